"""A vision transformer from a grid of codes to pixels.

Letters: N batch, C channels of a code, h w grid, L = h w tokens, D width,
p side of a patch.
"""
import torch
from torch import Tensor, nn

from rcg.models.layers.embeddings import position_table
from rcg.models.layers.transformer import Block
from rcg.registry import MODELS


@MODELS.register_module()
class ViTDecoder(nn.Module):
    """Each code becomes a token, and after some blocks a patch of pixels.

    The decoder of MAE (arXiv:2111.06377) without its class token, which no
    pixel is read from.

    Args:
        in_channels: C.
        grid_size: h = w.
        patch_size: p, so that images have h p pixels a side.
        dim: D, a multiple of 4 and of ``num_heads``.
        depth: Number of blocks.
        num_heads: Attention heads of a block.
        mlp_ratio: Hidden width of the MLPs over D.
    """

    def __init__(self, in_channels: int, grid_size: int, patch_size: int,
                 dim: int, depth: int, num_heads: int,
                 mlp_ratio: float = 4.) -> None:
        super().__init__()
        self.in_channels, self.grid_size = in_channels, grid_size
        self.patch_size = patch_size
        self.embed = nn.Linear(in_channels, dim)
        self.register_buffer('position', position_table(
            dim, grid_size, row_first=True), persistent=False)  # (L, D)
        self.blocks = nn.Sequential(*(
            Block(dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pixels = nn.Linear(dim, 3 * patch_size**2)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (N, C, h, w) to images (N, 3, h p, w p), about [-1, 1]."""
        x = self.embed(codes.flatten(2).transpose(1, 2))  # (N, L, D)
        x = self.norm(self.blocks(x + self.position))
        h, p = self.grid_size, self.patch_size
        x = self.pixels(x).view(-1, h, h, 3, p, p)
        return torch.einsum('nhwcpq->nchpwq', x).reshape(
            -1, 3, h * p, h * p)
