"""The vision transformer (arXiv:2010.11929) of four published encoders.

N batch, L tokens (patches and one class token), D width.
"""
import math

import torch
from torch import Tensor, nn

from rcg.models.encoders.base import Encoder
from rcg.models.layers.block import Block
from rcg.models.layers.embeddings import position_table


class PatchEmbed(nn.Module):
    """Cut square patches and map each to a token.

    Args:
        patch_size: Side of a patch in pixels.
        dim: Width of a token.
    """

    def __init__(self, patch_size: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, h, w) -> (N, L, dim), row-major."""
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Pre-norm ViT with a class token and a fixed position table.

    Args:
        img_size: Side of the images in pixels, a multiple of ``patch_size``.
        patch_size: Side of a patch.
        embed_dim: D.
        depth: Number of blocks.
        num_heads: Attention heads of a block.
        mlp_ratio: Hidden width of the MLPs over D.
    """

    def __init__(self, img_size: int = 224, patch_size: int = 16,
                 embed_dim: int = 768, depth: int = 12, num_heads: int = 12,
                 mlp_ratio: float = 4.) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError('img_size must be a multiple of patch_size, got '
                             f'{img_size} and {patch_size}.')
        self.embed_dim = embed_dim
        self.patch_embed = PatchEmbed(patch_size, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        # Fixed in MoCo v3, learned in DINO, iBOT and DeiT; part of the files
        # of all.
        self.register_buffer('pos_embed', position_table(
            embed_dim, img_size // patch_size, row_first=True,
            class_token=True)[None])
        self.blocks = nn.Sequential(*(
            Block(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights as MoCo v3 does."""
        # Linear layers: Xavier; queries, keys and values count as three.
        for name, module in self.blocks.named_modules():
            if not isinstance(module, nn.Linear):
                continue
            fan_out, fan_in = module.weight.shape
            if name.endswith('qkv'):
                fan_out //= 3
            bound = math.sqrt(6 / (fan_out + fan_in))
            nn.init.uniform_(module.weight, -bound, bound)
            nn.init.zeros_(module.bias)
        # Patches: Xavier of the same layer as a linear one.
        weight = self.patch_embed.proj.weight
        bound = math.sqrt(6 / (weight[0].numel() + self.embed_dim))
        nn.init.uniform_(weight, -bound, bound)
        nn.init.zeros_(self.patch_embed.proj.bias)
        nn.init.normal_(self.cls_token, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """The normed class token; (N, 3, img_size, img_size) -> (N, D)."""
        x = self.patch_embed(x)
        cls_token = self.cls_token.expand(len(x), -1, -1)
        x = torch.cat([cls_token, x], 1) + self.pos_embed  # (N, L, D)
        return self.norm(self.blocks(x))[:, 0]


class ViTEncoder(Encoder):
    """A ViT whose class token a ``head`` projects, which a subclass defines.

    Args:
        img_size: Side of the ViT's images; others are resized to it.
        vit: Remaining arguments of :class:`VisionTransformer`.
        kwargs: See :class:`Encoder`.
    """

    def __init__(self, img_size: int = 224, vit: dict | None = None,
                 **kwargs) -> None:
        super().__init__(input_size=img_size, **kwargs)
        self.backbone = VisionTransformer(img_size, **(vit or {}))
        self.feature_dim = self.backbone.embed_dim

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, img_size, img_size) -> (N, D)."""
        return self.backbone(x)
