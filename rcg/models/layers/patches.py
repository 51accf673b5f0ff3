"""Patches of images or latents, embedded one by one."""
from torch import nn


def patch_embedding(in_channels: int, dim: int, patch_size: int,
                    bottleneck_dim: int | None = None) -> nn.Module:
    """A layer (N, C, h, w) -> (N, dim, h/p, w/p), linear in each patch.

    Args:
        in_channels: C.
        dim: Width of the embedding.
        patch_size: p, the side of a patch.
        bottleneck_dim: Width of a linear layer in between. It is meant for
            patches of pixels, whose p p C values lie near fewer dimensions
            (JiT, arXiv:2511.13720 section 4). None: there is none.

    Raises:
        ValueError: ``bottleneck_dim`` is less than 1.
    """
    if bottleneck_dim is None:
        return nn.Conv2d(in_channels, dim, patch_size, patch_size)
    if bottleneck_dim < 1:
        raise ValueError('bottleneck_dim must be at least 1, or None, got '
                         f'{bottleneck_dim}.')
    return nn.Sequential(
        nn.Conv2d(in_channels, bottleneck_dim, patch_size, patch_size,
                  bias=False), nn.Conv2d(bottleneck_dim, dim, 1))
