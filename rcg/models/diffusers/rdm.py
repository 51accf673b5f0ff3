"""RDM: the diffusion model that draws representations (step one of RCG)."""
from collections.abc import Hashable
from functools import partial

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.diffusers.graphs import GraphedLoop
from rcg.models.diffusers.prepared import PreparedDenoiser
from rcg.precision import float32_precision
from rcg.registry import ENCODERS, MODELS, REPRESENTATION_DIFFUSERS, TASK_UTILS
from rcg.rng import SampleRng, check_finite


@MODELS.register_module()
@REPRESENTATION_DIFFUSERS.register_module()
class RDM(HasFrozenParts, BaseModel):
    """Representation diffusion model, RCG (arXiv:2312.03701) section 3.2.

    Args:
        denoiser: Config of the network; its ``rep_dim`` is the encoder's.
        diffusion: Config of the forward process.
        sampler: Config of the sampler.
        encoder: Config of the frozen encoder, with ``checkpoint``; needed to
            train, not to sample.
        num_classes: Labels of a class-conditional RDM; None: unconditional.
        plain_sampling: Whether each step of sampling computes everything
            anew. If not, a :class:`PreparedDenoiser` does what it can before
            the first step, if the network has ``shifts``.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.
    """

    def __init__(self, denoiser: dict, diffusion: dict, sampler: dict,
                 encoder: dict | None = None, num_classes: int | None = None,
                 plain_sampling: bool = False, **base) -> None:
        super().__init__(**base)
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.denoiser = MODELS.build(denoiser)
        self.diffusion = TASK_UTILS.build(diffusion)
        self.sampler = TASK_UTILS.build(sampler)
        # Raises now, not at the first sample, if the steps do not fit.
        self.sampler.timesteps(self.diffusion.schedule)
        self.plain_sampling, self.graphs = plain_sampling, None
        self.rep_dim = self.denoiser.rep_dim
        if (self.encoder is not None
                and self.encoder.rep_dim != self.rep_dim):
            raise ValueError(
                f'the encoder gives representations of {self.encoder.rep_dim}'
                f' values, the denoiser takes {self.rep_dim}; set '
                "model.denoiser.rep_dim to the encoder's.")
        self.label_embed = None
        if num_classes is not None:
            width = self.denoiser.context_dim
            if width is None:
                raise ValueError('num_classes needs a denoiser with '
                                 'context_dim, the width of the label '
                                 'embedding.')
            self.label_embed = nn.Embedding(num_classes, width)

    encoding_parts = ('encoder', )
    # What compile=True compiles; see rcg/engine/compiling.py.
    compiled_children = ('denoiser', )

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """Representations (N, D) of images (N, 3, H, W) in [-1, 1].

        The encoder runs in float32; autocast does not reach it.
        """
        with self.encoder.in_float32(images.device) as encoder:
            return dict(representations=encoder(images.float()))

    def capture_sampling(self) -> None:
        """From now on, record and replay the loop of :meth:`sample` on a GPU.

        See :class:`GraphedLoop`; rcg/engine/compiling.py calls this.
        """
        self.graphs = GraphedLoop()

    def _context(self, labels: Tensor | None) -> Tensor | None:
        """The denoiser's context (N, C), if it takes one."""
        if self.label_embed is None:
            return None
        if labels is None:
            raise ValueError('a class-conditional RDM needs `labels`, got '
                             'None; give data with labels, or build the RDM '
                             'with num_classes=None.')
        return self.label_embed(labels)

    def denoise_as(self, labels: Tensor | None):
        """A function (x_t, t) -> prediction that knows the labels."""
        context = self._context(labels)
        if context is None:
            return self.denoiser
        return lambda x_t, t: self.denoiser(x_t, t, context)

    def noise(self, rng: SampleRng, labels: Tensor | None) -> Tensor:
        """What sampling starts from, (N, D)."""
        return rng.normal(self.rep_dim)

    def loss(self, representations: Tensor, rng: SampleRng,
             labels: Tensor | None = None) -> dict[str, Tensor]:
        """Diffusion loss of representations (N, D).

        Each representation has mean 0 and standard deviation 1.
        """
        return self.diffusion.loss(self.denoise_as(labels), representations,
                                   rng)

    @torch.no_grad()
    def sample(self, rng: SampleRng, labels: Tensor | None = None) -> Tensor:
        """Draw representations (N, D), one from each stream of ``rng``.

        They condition a generator as they are, without standardization.
        """
        times = self.sampler.timesteps(self.diffusion.schedule)
        on_device = torch.tensor(times, device=rng.device)
        draw = partial(self._draw, times, on_device)
        if self.graphs is not None and self._can_be_recorded(rng):
            drawn = self.graphs(draw, rng, labels, self._state())
        else:
            drawn = draw(rng, labels)
        check_finite(drawn, rng, 'generated representations')
        return drawn

    def _draw(self, times: list[float], on_device: Tensor, rng: SampleRng,
              labels: Tensor | None) -> Tensor:
        """The loop of :meth:`sample`, in which the host waits for nothing."""
        if self.plain_sampling or not hasattr(self.denoiser, 'shifts'):
            denoise = partial(self.diffusion.denoise,
                              self.denoise_as(labels))
        else:
            denoise = PreparedDenoiser(
                self.denoiser, self.diffusion, times, on_device,
                self._context(labels), len(rng))
        return self.sampler(denoise, self.noise(rng, labels), rng,
                            self.diffusion.schedule)

    @staticmethod
    def _can_be_recorded(rng: SampleRng) -> bool:
        # Autocast keeps its copies of weights no longer than it lasts.
        return (rng.device.type == 'cuda' and type(rng) is SampleRng
                and not torch.is_autocast_enabled('cuda'))

    def _state(self) -> Hashable:
        """What a recording of the loop depends on, besides its arguments."""
        return (type(self.sampler), str(vars(self.sampler)),
                self.plain_sampling, self.training, float32_precision(),
                *(p.data_ptr() for p in self.parameters()))

    def forward(self, mode: str = 'tensor', images: Tensor | None = None,
                representations: Tensor | None = None,
                indices: Tensor | None = None, rng: SampleRng | None = None,
                labels: Tensor | None = None):
        """MMEngine's entry point.

        Mode 'loss' returns losses, 'predict' samples, and 'tensor' the
        representations of the images.
        """
        if mode == 'predict':
            drawn = zip(self.sample(rng, labels), indices.tolist(),
                        strict=True)
            return [dict(representations=x, index=index) for x, index in drawn]
        if representations is None:
            representations = self.encode(images)['representations']
        if mode == 'loss':
            return self.loss(representations, rng, labels)
        return representations
