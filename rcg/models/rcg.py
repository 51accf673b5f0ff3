"""Representation-Conditioned image Generation (RCG, arXiv:2312.03701).

The whole method. Read :class:`RCG` top-down; everything else in this package
is one of the four parts that it is given:

    encoder     image -> representation     frozen, self-supervised
    tokenizer   image <-> codes             frozen; token ids, latents, pixels
    rdm         noise -> representation     trained by itself, frozen here
    generator   representation -> codes     what this model trains
"""
import torch
from mmengine.model import BaseModel
from torch import Tensor

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.compatibility import check_parts
from rcg.models.data_preprocessor import to_uint8
from rcg.models.sampling_precision import SamplingPrecision
from rcg.registry import (
    ENCODERS,
    MODELS,
    PIXEL_GENERATORS,
    REPRESENTATION_DIFFUSERS,
    TOKENIZERS,
)
from rcg.rng import SampleRng, check_finite


@MODELS.register_module()
class RCG(HasFrozenParts, BaseModel):
    """A pixel generator conditioned on representations, or a baseline of it.

    The generator's network determines the condition: a representation (RCG),
    a label (the class-conditional baseline) or none (the unconditional
    baseline). The baselines need neither encoder nor RDM.

    Args:
        generator: Config of the pixel generator.
        tokenizer: Config of the frozen tokenizer, with ``checkpoint``.
        encoder: Config of the frozen encoder, with ``checkpoint``; needed to
            train with representations.
        rdm: Config of the frozen RDM, with ``checkpoint``; needed to sample
            with representations.
        quantization: How images to score become uint8: 'truncate' (as
            published) or 'round'.
        sampling: Arguments of :class:`SamplingPrecision`; by default all is
            float32 but for the generator, which follows its caller.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: An argument is out of range, or the parts do not fit.
    """

    def __init__(self, generator: dict, tokenizer: dict,
                 encoder: dict | None = None, rdm: dict | None = None,
                 quantization: str = 'truncate',
                 sampling: dict | None = None, **base) -> None:
        super().__init__(**base)
        if quantization not in ('truncate', 'round'):
            raise ValueError("quantization must be 'truncate' or 'round', got "
                             f'{quantization!r}.')
        self.quantization = quantization
        self.tokenizer = Frozen.build(TOKENIZERS, tokenizer)
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.rdm = Frozen.build(REPRESENTATION_DIFFUSERS, rdm)
        self.generator = PIXEL_GENERATORS.build(generator)
        check_parts(self)
        self.sampling = SamplingPrecision(**sampling or {})
        self.sampling.set_up(self)

    # The parts that encode() uses. A cache of its results depends on no other.
    encoding_parts = ('encoder', 'tokenizer')

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """Encode images with the frozen parts, in float32.

        Autocast does not reach them. So the codes of a training in bfloat16
        are those of :class:`~rcg.engine.CacheFeaturesHook`.

        Args:
            images (N, 3, H, W): In [-1, 1].

        Returns:
            ``codes`` (N, ...) of the tokenizer and, if they condition the
            generator, ``representations`` (N, D). They depend on the images
            alone and can be computed once.
        """
        images, device = images.float(), images.device
        with self.tokenizer.in_float32(device) as tokenizer:
            encoded = dict(codes=tokenizer.encode(images))
        if self.generator.condition_kind == 'representation':
            part = self._needed('encoder', 'train')
            with part.in_float32(device) as encoder:
                encoded['representations'] = encoder(images)  # (N, D)
        return encoded

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Losses of the generator on codes, given a condition (section 3.3).

        Args:
            codes (N, ...): Those of :meth:`encode`. For a KL tokenizer they
                are moments, from which latents are drawn anew each time.
            condition (N, ...): What conditions the generator, if anything.
            rng: Streams of the images.
        """
        with self.tokenizer.in_float32(codes.device) as tokenizer:
            codes = tokenizer.training_codes(codes, rng)
        return self.generator.loss(codes, condition, rng)

    @torch.no_grad()
    def sample(self, rng: SampleRng, labels: Tensor | None = None,
               representations: Tensor | None = None) -> Tensor:
        """Draw one image for each stream of ``rng`` (section 3.1).

        Under autocast the generator alone, with its guide, has less precision
        than float32.

        Args:
            rng: Streams of the images; every random number is theirs.
            labels (N,): For a class-conditional generator or RDM.
            representations (N, D): To use instead of drawing them.

        Returns:
            (N, 3, H, W): Images, about [-1, 1].
        """
        images = self.decode(self.sample_codes(rng, labels, representations))
        check_finite(images, rng, 'images')
        return images

    @torch.no_grad()
    def sample_representations(self, rng: SampleRng,
                               labels: Tensor | None = None) -> Tensor | None:
        """Representations (N, D), if they condition the generator."""
        if self.generator.condition_kind != 'representation':
            return None
        part = self._needed('rdm', 'sample')
        with part.in_float32(rng.device) as rdm:
            return rdm.sample(rng, labels)

    @property
    def draws_ahead(self) -> bool:
        """Whether :meth:`draw_ahead` has something to draw."""
        return (self.generator.condition_kind == 'representation'
                and self.rdm is not None)

    def draw_ahead(self, batch: dict) -> tuple[dict[str, Tensor], int]:
        """Representations for predictions, drawn in batches of any size.

        Args:
            batch: What ``test_step`` takes.

        Returns:
            Entries to add to batches, and their ``num_draws``.
        """
        data = self.data_preprocessor(batch)
        rng = data['rng']
        drawn = self.sample_representations(rng, data.get('labels'))
        return dict(representations=drawn), rng.num_draws

    @torch.no_grad()
    def sample_codes(self, rng: SampleRng, labels: Tensor | None = None,
                     representations: Tensor | None = None) -> Tensor:
        """Codes (N, ...): token ids, or latents or pixels in float32.

        Arguments are those of :meth:`sample`.
        """
        if representations is None:
            representations = self.sample_representations(rng, labels)
        condition = self.condition(representations, labels)
        with self.sampling.of_generator(rng.device):
            codes = self.generator.sample(condition, rng)
        return codes.float() if codes.is_floating_point() else codes

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Images (N, 3, H, W), about [-1, 1], of codes (N, ...)."""
        with self.tokenizer.in_float32(codes.device) as tokenizer:
            return tokenizer.decode(codes)

    def forward(self, mode: str = 'tensor', images: Tensor | None = None,
                indices: Tensor | None = None, rng: SampleRng | None = None,
                labels: Tensor | None = None, **encoded: Tensor):
        """MMEngine's entry: 'loss' trains, 'predict' samples.

        Args:
            **encoded: Cached results of :meth:`encode`, in place of images;
                see :class:`~rcg.engine.CacheFeaturesHook`.
        """
        if mode == 'predict':
            drawn = to_uint8(self.sample(rng, labels, **encoded),
                             self.quantization)
            return [dict(images=image, index=index) for image, index in zip(
                drawn, indices.tolist(), strict=True)]
        encoded = encoded or self.encode(images)
        if mode != 'loss':
            return encoded
        condition = self.condition(encoded.get('representations'), labels)
        return self.loss(encoded['codes'], condition, rng)

    def condition(self, representations: Tensor | None,
                  labels: Tensor | None) -> Tensor | None:
        """What conditions the generator (N, ...), if anything."""
        kind = self.generator.condition_kind
        given = dict(representation=representations, label=labels)
        condition = given.get(kind)
        if kind is not None and condition is None:
            raise ValueError(f'the generator is conditioned on a {kind}, and '
                             'the batch has none; see '
                             'model.generator.network.condition.')
        return condition

    def _needed(self, part: str, use: str) -> Frozen:
        frozen = getattr(self, part)
        if frozen is None:
            raise ValueError(f'to {use} with representations, the config '
                             f'must give model.{part}.')
        return frozen
