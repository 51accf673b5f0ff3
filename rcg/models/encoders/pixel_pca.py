"""Principal components of pixels, the baseline without learned features."""
import torch
from torch import Tensor

from rcg.models.encoders.base import Encoder
from rcg.precision import exact_float32
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class PixelPCA(Encoder):
    """Coordinates of an image along the principal components of pixels.

    It is the baseline without self-supervision. Components are buffers that
    :class:`PCATraining` or :meth:`fit` computes; until then representations
    are NaN.

    Args:
        image_size: Side to which images are resized. The covariance matrix
            has (3 image_size^2)^2 entries.
        num_components: Length of a representation. Before standardization,
            the values of components beyond the rank of the images are 0.

    Raises:
        ValueError: ``num_components`` is not in [2, 3 image_size^2].
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
        with exact_float32(x.device):
            return (x.flatten(1) - self.pixel_mean) @ self.components.T

    def reconstruct(self, features: Tensor) -> Tensor:
        """Nearest pixel values; (N, num_components) -> (N, num_pixels)."""
        return features @ self.components + self.pixel_mean

    def solve(self, mean: Tensor, covariance: Tensor) -> None:
        """Set the components to the leading eigenvectors, largest first.

        Args:
            mean (num_pixels,): Of preprocessed images, float64.
            covariance (num_pixels, num_pixels): Likewise.
        """
        vectors = torch.linalg.eigh(covariance).eigenvectors
        leading = vectors.flip(1)[:, :self.feature_dim].T
        # The sign of an eigenvector is arbitrary; make its largest entry
        # positive.
        largest = leading.abs().argmax(1, keepdim=True)
        self.components.copy_(leading * leading.gather(1, largest).sign())
        self.pixel_mean.copy_(mean)

    def fit(self, images: Tensor) -> None:
        """Compute components; images (N, 3, H, W) in [-1, 1]."""
        x = self.preprocess(images).flatten(1).double()
        self.solve(x.mean(0), torch.cov(x.T, correction=0))
