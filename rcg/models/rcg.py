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
    """A pixel generator conditioned on representations; and its baselines.

    What conditions the generator is for the generator's network to say: a
    representation (RCG), a label (the class-conditional baseline, which
    needs neither encoder nor RDM) or nothing (the unconditional one).

    Args:
        generator: Config of the pixel generator.
        tokenizer: Config of the frozen tokenizer, with ``checkpoint``.
        encoder: Likewise; needed to train with representations.
        rdm: Likewise; needed to sample with representations.
        quantization: Of images to score, 'truncate' (as published) or 'round'.
        data_preprocessor: Config; see :class:`ImagePreprocessor`.
    """

    def __init__(self, generator: dict, tokenizer: dict,
                 encoder: dict | None = None, rdm: dict | None = None,
                 quantization: str = 'truncate',
                 data_preprocessor: dict | None = None) -> None:
        super().__init__(data_preprocessor)
        if quantization not in ('truncate', 'round'):
            raise ValueError("quantization must be 'truncate' or 'round', got "
                             f'{quantization!r}.')
        self.quantization = quantization
        self.tokenizer = Frozen.build(TOKENIZERS, tokenizer)
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.rdm = Frozen.build(REPRESENTATION_DIFFUSERS, rdm)
        self.generator = PIXEL_GENERATORS.build(generator)
        check_parts(self)

    # What encode() uses: a cache of its results depends on these alone.
    encoding_parts = ('encoder', 'tokenizer')

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """What the frozen parts make of images (N, 3, H, W) in [-1, 1].

        It depends on the images alone, so it can be computed once.
        """
        device = images.device
        encoded = dict(codes=self.tokenizer.on(device).encode(images))
        if self.generator.condition_kind == 'representation':
            encoder = self._needed('encoder', 'train')
            encoded['representations'] = encoder.on(device)(images)  # (N, D)
        return encoded

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """The generator learns codes given a condition (section 3.3).

        ``codes`` are what :meth:`encode` returned. A tokenizer with a random
        encoder (KL) keeps what it draws from, and draws anew each time.
        """
        codes = self.tokenizer.on(codes.device).draw(codes, rng)
        return self.generator.loss(codes, condition, rng)

    @torch.no_grad()
    def sample(self, rng: SampleRng, labels: Tensor | None = None,
               representations: Tensor | None = None) -> Tensor:
        """Draw one image for each stream of ``rng`` (section 3.1).

        Args:
            rng: Streams of the images; every random number is theirs.
            labels (N,): For a class-conditional generator or RDM.
            representations (N, D): To use instead of drawing them.

        Returns:
            (N, 3, H, W): Images, about [-1, 1].
        """
        if (self.generator.condition_kind == 'representation'
                and representations is None):
            rdm = self._needed('rdm', 'sample').on(rng.device)
            representations = rdm.sample(rng, labels)  # (N, D)
        condition = self._condition(representations, labels)
        codes = self.generator.sample(condition, rng)
        images = self.tokenizer.on(rng.device).decode(codes)
        check_finite(images, rng, 'images')
        return images

    def forward(self, mode: str = 'tensor', images: Tensor | None = None,
                indices: Tensor | None = None, rng: SampleRng | None = None,
                labels: Tensor | None = None, **encoded: Tensor):
        """MMEngine's entry: 'loss' trains, 'predict' samples.

        ``encoded`` is what :meth:`encode` returned, where it was computed
        once and kept (CacheFeaturesHook).
        """
        if mode == 'predict':
            drawn = to_uint8(self.sample(rng, labels, **encoded),
                             self.quantization)
            return [dict(images=image, index=index) for image, index in zip(
                drawn, indices.tolist(), strict=True)]
        encoded = encoded or self.encode(images)
        if mode != 'loss':
            return encoded
        condition = self._condition(encoded.get('representations'), labels)
        return self.loss(encoded['codes'], condition, rng)

    def _condition(self, representations: Tensor | None,
                   labels: Tensor | None) -> Tensor | None:
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
