"""An RDM whose flow begins in a mixture fitted to representations."""
import torch
from torch import Tensor, nn

from rcg.diffusion import check_source
from rcg.frozen import Frozen
from rcg.models.diffusers import RDM
from rcg.registry import MODELS, REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng


@MODELS.register_module()
@REPRESENTATION_DIFFUSERS.register_module()
class MixtureRDM(RDM):
    """Draws a mode, then a representation from noise of that mode.

    Training pairs each representation with noise of its own mode.

    Args:
        mixture: Config of the frozen :class:`GaussianMixture` of
            representations, with ``checkpoint``.
        mode_condition: Whether the denoiser is told the mode, as an RDM is
            told a label. The denoiser then has a ``context_dim``.
        kwargs: Arguments of :class:`RDM`, but ``num_classes``. ``diffusion``
            is a flow.

    Raises:
        ValueError: Process or sampler are for standard normal noise; the
            mixture is of something else; the denoiser takes no context.
    """

    def __init__(self, mixture: dict, mode_condition: bool = True,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        check_source(self.diffusion, self.sampler)
        self.mixture = Frozen.build(MODELS, mixture)
        if self.mixture.shape != (self.rep_dim, ):
            raise ValueError(
                f'the mixture is of {self.mixture.shape}, wanted '
                f'representations of {self.rep_dim} values: fit it without a '
                'tokenizer.')
        # Not label_embed: nobody chooses a mode as one chooses a label.
        self.mode_embed = None
        if mode_condition:
            width = self.denoiser.context_dim
            if width is None:
                raise ValueError('mode_condition needs a denoiser with '
                                 'context_dim, the width of the embedding of '
                                 'a mode.')
            self.mode_embed = nn.Embedding(self.mixture.num, width)

    def _context(self, labels: Tensor) -> Tensor | None:
        return None if self.mode_embed is None else self.mode_embed(labels)

    def loss(self, representations: Tensor, rng: SampleRng,
             labels: Tensor | None = None) -> dict[str, Tensor]:
        """Loss of the flow to representations (N, D) from their modes.

        Args:
            labels: Of no use.
        """
        with self.mixture.in_float32(rng.device) as mixture:
            modes = mixture.modes(representations)
        return self.diffusion.loss(
            self.denoise_as(modes), representations, rng,
            self.noise(rng, modes))

    @torch.no_grad()
    def sample(self, rng: SampleRng, labels: Tensor | None = None) -> Tensor:
        """Draw representations (N, D), one from each stream of ``rng``."""
        with self.mixture.in_float32(rng.device) as mixture:
            modes = mixture.draw_modes(rng)
        return super().sample(rng, modes)

    def noise(self, rng: SampleRng, labels: Tensor | None) -> Tensor:
        """Noise (N, D) of modes (N,)."""
        with self.mixture.in_float32(rng.device) as mixture:
            return mixture.draw(labels, rng)
