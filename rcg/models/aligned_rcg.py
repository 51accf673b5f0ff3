"""RCG with a generator that is aligned with an encoder's patches (REPA)."""
import torch
from torch import Tensor

from rcg.frozen import Frozen
from rcg.models.rcg import RCG
from rcg.registry import ENCODERS, MODELS
from rcg.rng import SampleRng


@MODELS.register_module()
class AlignedRCG(RCG):
    """An :class:`RCG` that gives its generator the patches of an encoder.

    Representation alignment, REPA (arXiv:2410.06940): the patches of the clean
    images are what hidden tokens of the generator learn, beside its own task.
    They come from any encoder with a map of features. It resizes and
    normalizes images by itself, and need not be the one that conditions. It
    is frozen: no checkpoint and no average of weights holds it.

    Args:
        patch_encoder: Config of that encoder, with ``checkpoint``; needed to
            train.
        kwargs: Arguments of :class:`RCG`. The generator is an
            :class:`~rcg.models.generators.AlignedDiffusionGenerator`.
    """
    encoding_parts = (*RCG.encoding_parts, 'patch_encoder')

    def __init__(self, *, patch_encoder: dict | None = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.patch_encoder = Frozen.build(ENCODERS, patch_encoder)
        if not hasattr(self.generator, 'alignment'):
            raise ValueError(
                'AlignedRCG trains a generator with alignment, got '
                f'{type(self.generator).__name__}; set model.generator.type '
                "to 'AlignedDiffusionGenerator', or model.type to 'RCG'.")

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """What :meth:`RCG.encode` returns, and ``patches`` (N, E, h, w).

        Raises:
            ValueError: There is no patch encoder, or it has no map of
                features.
        """
        encoded = super().encode(images)
        if self.patch_encoder is None:
            raise ValueError('to train with alignment, the config must give '
                             'model.patch_encoder.')
        with self.patch_encoder.in_float32(images.device) as encoder:
            encoded['patches'] = encoder.feature_map(images.float())
        return encoded

    def loss(self, codes: Tensor, condition: Tensor | None, rng: SampleRng,
             patches: Tensor | None = None) -> dict[str, Tensor]:
        """Those of :meth:`RCG.loss`, and that of the alignment.

        Args:
            codes, condition, rng: See :meth:`RCG.loss`.
            patches (N, E, h, w): Those of :meth:`encode`.
        """
        with self.tokenizer.in_float32(codes.device) as tokenizer:
            codes = tokenizer.training_codes(codes, rng)
        return self.generator.loss(codes, condition, rng, patches)

    def forward(self, mode: str = 'tensor', images: Tensor | None = None,
                indices: Tensor | None = None, rng: SampleRng | None = None,
                labels: Tensor | None = None, **encoded: Tensor):
        """MMEngine's entry; see :meth:`RCG.forward`."""
        if mode != 'loss':
            return super().forward(mode, images, indices, rng, labels,
                                   **encoded)
        encoded = encoded or self.encode(images)
        condition = self.condition(encoded.get('representations'), labels)
        return self.loss(encoded['codes'], condition, rng,
                         encoded.get('patches'))
