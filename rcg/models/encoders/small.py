"""Encoders of small images such as the digits: convolutional, pixel PCA."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rcg.models.encoders.base import Encoder
from rcg.models.layers.mlp import batch_norm_mlp
from rcg.precision import exact_float32
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class ConvEncoder(Encoder):
    """3x3 convolutions with batch norm and ReLU, then the mean over space.

    Each convolution has one of ``widths`` and ``strides``. The projector has
    three layers; ``kwargs`` are those of :class:`Encoder`.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 128),
                 strides: Sequence[int] = (2, 2, 2, 1),
                 projector_hidden_dim: int = 256, projector_dim: int = 64,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        if len(widths) != len(strides):
            raise ValueError('widths and strides must have one entry for each '
                             f'convolution, got {len(widths)} and '
                             f'{len(strides)}.')
        layers = []
        for fan_in, fan_out, stride in zip((3, *widths), widths, strides,
                                           strict=False):
            layers += [nn.Conv2d(fan_in, fan_out, 3, stride, 1, bias=False),
                       nn.BatchNorm2d(fan_out), nn.ReLU(inplace=True)]
        self.backbone = nn.Sequential(*layers)
        self.feature_dim, self.head_dim = widths[-1], projector_dim
        self.head = batch_norm_mlp(widths[-1], projector_hidden_dim,
                                   projector_hidden_dim, projector_dim)

    def features(self, x: Tensor) -> Tensor:
        # With channels last, training takes three quarters of the time (CPU).
        x = x.contiguous(memory_format=torch.channels_last)
        return self.backbone(x).mean((2, 3))


@ENCODERS.register_module()
class PixelPCA(Encoder):
    """Coordinates of an image along the principal components of pixels.

    The control without self-supervision. Components are buffers, computed by
    :class:`PCATraining` or :meth:`fit`; until then representations are NaN.

    Args:
        image_size: Side to which images are resized; its cube is about the
            cost, since the covariance has (3 image_size^2)^2 entries.
        num_components: Length of a representation. Those beyond the rank of
            the images are zero before standardization.
    """

    def __init__(self, image_size: int = 16, num_components: int = 64) -> None:
        super().__init__(image_size, (.5, .5, .5), (.5, .5, .5),
                         with_projector=False)
        pixels = self.num_pixels = 3 * image_size**2
        if not 2 <= num_components <= pixels:
            raise ValueError(
                f'num_components must be in [2, {pixels}] (the values of an '
                f'image of {image_size}x{image_size}), got {num_components}.')
        self.feature_dim = num_components
        self.register_buffer('pixel_mean', torch.zeros(pixels))
        self.register_buffer('components', torch.zeros(num_components, pixels))

    def features(self, x: Tensor) -> Tensor:
        with exact_float32(x.device):  # or it is no PCA
            return (x.flatten(1) - self.pixel_mean) @ self.components.T

    def reconstruct(self, features: Tensor) -> Tensor:
        """Nearest pixels; (N, num_components) -> (N, num_pixels)."""
        return features @ self.components + self.pixel_mean

    def solve(self, mean: Tensor, covariance: Tensor) -> None:
        """Take the leading eigenvectors as components, the largest first.

        ``mean`` (num_pixels,) and ``covariance`` (num_pixels, num_pixels) are
        those of preprocessed images, float64.
        """
        vectors = torch.linalg.eigh(covariance).eigenvectors
        leading = vectors.flip(1)[:, :self.feature_dim].T
        # An eigenvector has no sign: let its largest entry be positive.
        largest = leading.abs().argmax(1, keepdim=True)
        self.components.copy_(leading * leading.gather(1, largest).sign())
        self.pixel_mean.copy_(mean)

    def fit(self, images: Tensor) -> None:
        """Compute components; images (N, 3, H, W) in [-1, 1]."""
        x = self.preprocess(images).flatten(1).double()
        self.solve(x.mean(0), torch.cov(x.T, correction=0))
