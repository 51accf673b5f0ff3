"""What every encoder does: preprocess, extract, project, standardize."""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def standardize(x: Tensor) -> Tensor:
    """Scale rows (N, D > 1) to mean 0, unbiased deviation 1; float32.

    No epsilon, as in the published code: a constant row gives NaN, and so
    does a vector that carries no information become visible.
    """
    x = x.float()
    std, mean = torch.std_mean(x, dim=1, keepdim=True)
    return (x - mean) / std


class Encoder(nn.Module):
    """Base of the encoders: images -> representations.

    A subclass defines a ``backbone`` (or :meth:`features`), ``feature_dim``
    and, unless it has no projector, ``head`` and ``head_dim``.

    Args:
        input_size: Side to which images are resized; None keeps their size.
        mean: Of each channel, for images in [0, 1]; by default ImageNet's.
        std: Likewise.
        with_projector: Whether to represent by ``head``, not the features.
        standardize: Whether to :func:`standardize` it, which RCG needs.

    Attributes:
        interpolation: 'bicubic' or 'bilinear'. The class attributes are the
            published preprocessing of all encoders of RCG.
        antialias: Whether to filter before shrinking, with the bicubic
            coefficient -0.5 in place of -0.75; Pillow always does.
        crop_pct: Images are resized to ``input_size / crop_pct``, then
            cropped (above 1: padded with black) in the center.
    """

    interpolation, antialias, crop_pct = 'bicubic', False, 1.
    feature_dim: int
    head_dim: int

    def __init__(self, input_size: int | None = None,
                 mean: Sequence[float] = (.485, .456, .406),
                 std: Sequence[float] = (.229, .224, .225),
                 with_projector: bool = True,
                 standardize: bool = True) -> None:
        super().__init__()
        self.input_size = input_size
        self.with_projector, self.standardize = with_projector, standardize
        for name, values in ('mean', mean), ('std', std):
            self.register_buffer(  # of the config: not in checkpoints
                name, torch.tensor(values).view(1, -1, 1, 1), persistent=False)

    @property
    def rep_dim(self) -> int:  # length of a representation
        return self.head_dim if self.with_projector else self.feature_dim

    def preprocess(self, images: Tensor) -> Tensor:
        """From [-1, 1] to normalized images of ``input_size``.

        Normalization comes first, as in the published code; images that are
        not square are squeezed.
        """
        x = ((images + 1) / 2 - self.mean) / self.std
        if self.input_size is None:
            return x
        side = math.floor(self.input_size / self.crop_pct)
        if x.shape[-2:] != (side, side):
            x = F.interpolate(x, (side, side), mode=self.interpolation,
                              align_corners=False, antialias=self.antialias)
        margin = self.input_size - side
        if not margin:
            return x
        # Odd margins are divided as torchvision's CenterCrop does.
        before = margin // 2 if margin > 0 else round(margin / 2)
        black = -self.mean / self.std
        return F.pad(x - black, (before, margin - before) * 2) + black

    def features(self, x: Tensor) -> Tensor:
        """Features of preprocessed images; (N, 3, h, w) -> (N, E)."""
        return self.backbone(x)

    def project(self, images: Tensor) -> Tensor:
        """What pre-training compares; (N, 3, H, W) -> (N, rep_dim)."""
        x = self.features(self.preprocess(images))
        return self.head(x) if self.with_projector else x

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> representations (N, rep_dim), float32."""
        x = self.project(images)
        return standardize(x) if self.standardize else x.float()
