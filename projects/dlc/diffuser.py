"""The prior: what draws discrete latent codes."""
import torch
from torch import Tensor

from rcg.models.compatibility import check_codes
from rcg.models.diffusers import RDM
from rcg.registry import MODELS, REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng

from .process import HIDDEN


@MODELS.register_module()
@REPRESENTATION_DIFFUSERS.register_module()
class CodeDiffuser(RDM):
    """An RDM over codes (N, L): it starts from hidden tokens, not from noise.

    Args:
        denoiser: Config of a :class:`CodeTransformer`, or of another network
            over codes; ``context_dim`` is for labels.
        diffusion: Config of an :class:`AbsorbingDiffusion`.
        sampler: Config of an :class:`UnmaskingSampler`.
        kwargs: ``encoder``, ``num_classes`` and others of :class:`RDM`.

    Raises:
        ValueError: The encoder's codes are not those of the denoiser; and
            see :class:`RDM`.
    """

    def __init__(self, denoiser: dict, diffusion: dict, sampler: dict,
                 **kwargs) -> None:
        super().__init__(denoiser, diffusion, sampler, **kwargs)
        self.rep_codes = self.denoiser.num_codes
        if self.encoder is not None:
            check_codes(self.encoder, self, 'the encoder', 'the denoiser')

    def noise(self, rng: SampleRng, labels: Tensor | None) -> Tensor:
        """What sampling starts from: all tokens (N, L) are hidden."""
        return torch.full((len(rng), self.rep_dim), HIDDEN,
                          device=rng.device)
