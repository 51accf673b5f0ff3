"""The control without self-supervision: principal components of pixels."""
import torch
from torch import Tensor

from rcg.models.encoders.base import Encoder
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class PixelPCA(Encoder):
    """Coordinates of an image along the principal components of pixels.

    Components are buffers: :class:`PCATraining` or :meth:`fit` computes
    them. Until then representations are NaN.

    Args:
        image_size: Side to which images are resized; its cube is about the
            cost, since the covariance has (3 image_size^2)^2 entries.
        num_components: Length of a representation. Those beyond the rank of
            the images are zero before standardization.
    """

    def __init__(self, image_size: int = 16,
                 num_components: int = 64) -> None:
        super().__init__(input_size=image_size, mean=(.5, .5, .5),
                         std=(.5, .5, .5), with_projector=False)
        self.num_pixels = 3 * image_size**2
        if not 2 <= num_components <= self.num_pixels:
            raise ValueError(
                f'num_components must be in [2, {self.num_pixels}], got '
                f'{num_components}; images of {image_size}x{image_size} '
                'have no more values.')
        self.feature_dim = num_components
        self.register_buffer('pixel_mean', torch.zeros(self.num_pixels))
        self.register_buffer('components',
                             torch.zeros(num_components, self.num_pixels))

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, h, w) -> (N, num_components)."""
        with torch.autocast(x.device.type, enabled=False):  # exact, or no PCA
            return (x.flatten(1) - self.pixel_mean) @ self.components.T

    def reconstruct(self, features: Tensor) -> Tensor:
        """Nearest pixels; (N, num_components) -> (N, num_pixels)."""
        return features @ self.components + self.pixel_mean

    def solve(self, mean: Tensor, covariance: Tensor) -> None:
        """Take the leading eigenvectors as components, the largest first.

        Args:
            mean (num_pixels,): Mean preprocessed image, float64.
            covariance (num_pixels, num_pixels): Of these, float64.
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
