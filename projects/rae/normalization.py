"""Features of a frozen encoder to codes of about unit variance, and back."""
import torch
from torch import Tensor, nn

from rcg.registry import MODELS


@MODELS.register_module()
class GridNormalization(nn.Module):
    """Shifts and scales a grid of features by stored statistics.

    Without an ``init_cfg`` that loads them it changes nothing.

    Args:
        num_channels: C.
        grid_size: h = w, if each value of the grid has a mean and a variance
            of its own, as published. None: each channel has, and the grid may
            be of any size.
        eps: Added to the variance, 1e-5 as published: values that never
            change become 0.

    Attributes:
        mean, variance (C, h, w) or (C, 1, 1): Of the features, float32.
        num_images: Of how many images; 0: not computed yet.
    """

    def __init__(self, num_channels: int, grid_size: int | None = None,
                 eps: float = 1e-5) -> None:
        super().__init__()
        self.num_channels, self.grid_size = num_channels, grid_size
        self.eps = eps
        side = grid_size or 1
        shape = num_channels, side, side
        self.register_buffer('mean', torch.zeros(shape))
        self.register_buffer('variance', torch.ones(shape) - eps)
        self.register_buffer('num_images', torch.zeros((), dtype=torch.int64))

    def check(self, features: Tensor) -> None:
        """Check the size of features (N, C, h, w).

        Raises:
            ValueError: They are of another size.
        """
        side = self.grid_size
        wanted = (self.num_channels, *(features.shape[2:] if side is None
                                       else (side, side)))
        if features.shape[1:] != wanted:
            raise ValueError(
                'the encoder gives features of '
                f'{tuple(features.shape[1:])} (channels, height, width), the '
                f'normalization is for {wanted}: set its num_channels and '
                "grid_size to the encoder's, or resize the images.")

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, C, h, w) to codes of the same shape."""
        return (features - self.mean) / self._std()

    def inverse(self, codes: Tensor) -> Tensor:
        """Codes (N, C, h, w) to the features that they stand for."""
        return codes * self._std() + self.mean

    def _std(self) -> Tensor:
        return (self.variance + self.eps).sqrt()
