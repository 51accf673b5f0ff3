"""In which precision, and how, an upsampler makes images of latents."""
import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.precision import warn_if_emulated


class Doubling(nn.Conv2d):
    """Doubles the resolution, each place four times, and convolves (3x3)."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, 2 h, 2 w)."""
        return super().forward(F.interpolate(x, scale_factor=2,
                                             mode='nearest'))

    def folded(self) -> nn.ConvTranspose2d:
        """The same function with four products a place and channel, not nine.

        A place of the result sees 3x3 places, but only 2x2 different values:
        the weights of equal ones are added, in float32. So results differ by
        rounding.
        """
        weight = self.weight.detach().float()
        ones = weight.new_ones(1, 1, 2, 2)
        sums = F.conv2d(weight.flatten(0, 1)[:, None], ones, padding=1)
        layer = nn.ConvTranspose2d(self.in_channels, self.out_channels, 4,
                                   stride=2, padding=1, device=weight.device)
        layer.weight.data = sums.view(*weight.shape[:2], 4, 4).flip(
            2, 3).transpose(0, 1).contiguous()  # (in, out, 4, 4)
        layer.bias.data = self.bias.detach().float().clone()
        return layer


class Decoding:
    """Calls an upsampler as it is, or a faster copy of it.

    The copy has weights of its own in less precision. So encoding, and whoever
    else decodes with the same weights, is not affected. It is made at the
    first call: the weights must not change afterwards.

    Args:
        dtype: 'bfloat16', 'float16', or 'float32' for the upsampler itself.
        channels_last: Whether the copy keeps the channels of a place together
            in memory, which convolutions in less precision prefer.

    Raises:
        ValueError: There is no such type.
    """

    def __init__(self, dtype: str = 'float32', channels_last: bool = False
                 ) -> None:
        self.dtype = getattr(torch, dtype)
        self.format = (torch.channels_last if channels_last
                       else torch.contiguous_format)
        self._fast, self._device = None, None

    def __call__(self, up: nn.Module, z: Tensor) -> Tensor:
        """Latents (N, C, h, w) to images (N, 3, H, W), float32 like ``z``."""
        if self.dtype == torch.float32:
            return up(z)
        if self._device != z.device:
            warn_if_emulated(self.dtype, z.device.type,
                             'model.sampling.decoder')
            self._fast, self._device = self._copy(up), z.device
        images = self._fast(z.to(self.dtype, memory_format=self.format))
        return images.to(z.dtype).contiguous()

    def _copy(self, up: nn.Module) -> nn.Module:
        fast = copy.deepcopy(up)
        fast.upsamplers = nn.ModuleList(
            layer.folded() for layer in fast.upsamplers)
        fast.requires_grad_(False)
        return fast.to(self.dtype, memory_format=self.format)
