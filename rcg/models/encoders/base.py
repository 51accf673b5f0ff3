"""Base of the encoders: preprocess, extract, project, standardize."""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def standardize(x: Tensor) -> Tensor:
    """Standardize each row of (N, D > 1), in float32.

    Rows get mean 0 and unbiased standard deviation 1. There is no epsilon, as
    in the published code: NaN exposes a constant vector.
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
        mean: Mean of each channel of images in [0, 1]; by default ImageNet's.
        std: Standard deviation of each channel, likewise.
        with_projector: Whether representations are the output of ``head``
            (True) or the features.
        standardize: Whether to :func:`standardize` representations, which
            RCG needs.

    Attributes:
        interpolation: 'bicubic' or 'bilinear'. The values of this and the
            following class attributes are those of the published
            preprocessing of all encoders of RCG.
        antialias: Whether to filter before shrinking, as Pillow always does;
            the bicubic coefficient is then -0.5 instead of -0.75.
        crop_pct: Images are resized to ``input_size / crop_pct``, then the
            center is cropped (above 1: they are padded with black).
    """

    compiled_children = ('backbone', )
    interpolation, antialias, crop_pct = 'bicubic', False, 1.
    feature_dim: int
    head_dim: int
    # Of token ids: how many codes each is one of. None: real numbers.
    rep_codes: int | None = None

    def __init__(self, input_size: int | None = None,
                 mean: Sequence[float] = (.485, .456, .406),
                 std: Sequence[float] = (.229, .224, .225),
                 with_projector: bool = True,
                 standardize: bool = True) -> None:
        super().__init__()
        self.input_size = input_size
        self.with_projector, self.standardize = with_projector, standardize
        for name, values in ('mean', mean), ('std', std):
            self.register_buffer(  # the config sets it, not a checkpoint
                name, torch.tensor(values).view(1, -1, 1, 1), persistent=False)

    @property
    def rep_dim(self) -> int:
        """Length of a representation."""
        return self.head_dim if self.with_projector else self.feature_dim

    @property
    def project_dim(self) -> int:
        """Width of what :meth:`project` gives."""
        return self.rep_dim

    def preprocess(self, images: Tensor) -> Tensor:
        """Images in [-1, 1] -> normalized images of ``input_size``.

        They are normalized before they are resized, as in the published code.
        Images that are not square are squeezed.
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
        # Odd margins are split as in torchvision's CenterCrop.
        before = margin // 2 if margin > 0 else round(margin / 2)
        black = -self.mean / self.std
        return F.pad(x - black, (before, margin - before) * 2) + black

    def features(self, x: Tensor) -> Tensor:
        """Features of preprocessed images; (N, 3, h, w) -> (N, E)."""
        return self.backbone(x)

    def map_features(self, x: Tensor) -> Tensor:
        """Features of the places of preprocessed images, (N, E, h, w)."""
        raise ValueError(
            f'{type(self).__name__} has no features of places: take an '
            'encoder with a map of features, such as ConvEncoder, a vision '
            'transformer, or a TimmEncoder.')

    def feature_map(self, images: Tensor) -> Tensor:
        """Features of each place, before they become one vector.

        (N, 3, H, W) in [-1, 1] -> (N, E, h, w): the patches of a vision
        transformer without its class token, the last map of a convolutional
        network. Neither projected nor standardized.

        Raises:
            ValueError: The encoder has none.
        """
        return self.map_features(self.preprocess(images))

    def project(self, images: Tensor) -> Tensor:
        """Representations before standardization, for pre-training.

        (N, 3, H, W) in [-1, 1] -> (N, project_dim).
        """
        x = self.features(self.preprocess(images))
        return self.head(x) if self.with_projector else x

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> representations (N, rep_dim), float32."""
        x = self.project(images)
        return standardize(x) if self.standardize else x.float()

    def vectors(self, representations: Tensor) -> Tensor:
        """What stands for representations where distances are taken.

        That is in nearest neighbors and in scores. An encoder whose
        representations are no vectors gives vectors here.

        Args:
            representations (N, rep_dim): Of this encoder, or drawn.

        Returns:
            (N, E): float32; by default the representations themselves.
        """
        return representations.float()

    def between(self, first: Tensor, last: Tensor, weight: Tensor) -> Tensor:
        """Representations on the way from one to another.

        Args:
            first, last (N, rep_dim): The ends.
            weight (N, 1): Share of ``last``, in [0, 1].

        Returns:
            (N, rep_dim): By default (1 - weight) first + weight last, which
            is not standardized again.
        """
        return torch.lerp(first, last, weight)
