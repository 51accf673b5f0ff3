"""Vision transformers (arXiv:2010.11929) of the published encoders.

Letters: N batch, L tokens, D width.
"""
import math

import torch
from torch import Tensor, nn

from rcg.models.encoders.base import Encoder
from rcg.models.layers.embeddings import position_table
from rcg.models.layers.projector import batch_norm_mlp
from rcg.models.layers.transformer import Block
from rcg.registry import ENCODERS


class PatchEmbed(nn.Module):
    """Square patches to tokens: (N, 3, h, w) -> (N, L, dim), row-major."""

    def __init__(self, patch_size: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Pre-norm ViT with a class token and a fixed position table.

    Args:
        img_size: Side of the images, a multiple of ``patch_size``.
        patch_size: Side of a patch.
        embed_dim: D.
        depth: Number of blocks.
        num_heads: Attention heads of a block.
        mlp_ratio: Hidden width of the MLPs over D.

    Raises:
        ValueError: ``img_size`` is not a multiple of ``patch_size``.
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
        # MoCo v3's is fixed, those of DINO, iBOT and DeiT were learned. All
        # published files hold it.
        self.register_buffer('pos_embed', position_table(
            embed_dim, img_size // patch_size, row_first=True,
            class_token=True)[None])
        self.blocks = nn.Sequential(*(
            Block(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize as MoCo v3 does: Xavier, the patch embedding too."""
        for name, layer in (*self.blocks.named_modules(),
                            ('patches', self.patch_embed.proj)):
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                # The joint layer of queries, keys and values counts as three.
                fan_out = len(layer.weight) // (3 if 'qkv' in name else 1)
                bound = math.sqrt(6 / (fan_out + layer.weight[0].numel()))
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.cls_token, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, img_size, img_size) -> normalized class tokens (N, D)."""
        return self.tokens(x)[:, 0]

    def tokens(self, x: Tensor) -> Tensor:
        """All normalized tokens (N, L, D), the class token first."""
        cls_token = self.cls_token.expand(len(x), -1, -1)
        x = torch.cat([cls_token, self.patch_embed(x)], 1)  # (N, L, D)
        return self.norm(self.blocks(x + self.pos_embed))


class ViTEncoder(Encoder):
    """Base of the ViTs; a subclass adds ``head``.

    The class token is the features; ``head`` projects it.

    Args:
        img_size: Side to which images are resized.
        vit: Other arguments of :class:`VisionTransformer`.
        kwargs: Arguments of :class:`Encoder`.
    """

    def __init__(self, img_size: int = 224, vit: dict | None = None,
                 **kwargs) -> None:
        super().__init__(input_size=img_size, **kwargs)
        self.backbone = VisionTransformer(img_size, **(vit or {}))
        self.feature_dim = self.backbone.embed_dim

    def map_features(self, x: Tensor) -> Tensor:
        patches = self.backbone.tokens(x)[:, 1:]  # (N, h w, D)
        side = math.isqrt(patches.shape[1])
        return patches.transpose(1, 2).unflatten(2, (side, side))


@ENCODERS.register_module()
class MoCoV3ViT(ViTEncoder):
    """The ViT and three-layer projector of MoCo v3 (arXiv:2104.02057).

    Args:
        projector_hidden_dim: Width of the projector's hidden layers.
        projector_dim: Width of its output.
        freeze_patch_embed: Whether the patch embedding keeps its random
            initial weights, which makes training stable (section 4.3).
        kwargs: Arguments of :class:`ViTEncoder`.
    """

    def __init__(self, projector_hidden_dim: int = 4096,
                 projector_dim: int = 256, freeze_patch_embed: bool = True,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.backbone.patch_embed.requires_grad_(not freeze_patch_embed)
        self.head_dim = projector_dim
        self.head = batch_norm_mlp(self.feature_dim, projector_hidden_dim,
                                   projector_hidden_dim, projector_dim)


@ENCODERS.register_module()
class DINOViT(ViTEncoder):
    """The ViT and GELU projector of DINO and iBOT.

    See arXiv:2104.14294 and arXiv:2111.07832. RCG takes the output of the
    projector before DINO's L2 norm and prototypes.
    """

    def __init__(self, projector_hidden_dim: int = 2048,
                 projector_dim: int = 256, **kwargs) -> None:
        super().__init__(**kwargs)
        self.head_dim = projector_dim
        self.head = nn.Sequential(
            nn.Linear(self.feature_dim, projector_hidden_dim), nn.GELU(),
            nn.Linear(projector_hidden_dim, projector_hidden_dim), nn.GELU(),
            nn.Linear(projector_hidden_dim, projector_dim))


@ENCODERS.register_module()
class DeiTViT(ViTEncoder):
    """The ViT of DeiT (arXiv:2012.12877), without distillation token.

    It was trained with labels. RCG uses its logits as representations, or
    its class token if ``with_projector`` is False.
    """

    def __init__(self, num_classes: int = 1000, **kwargs) -> None:
        super().__init__(**kwargs)
        self.head_dim = num_classes
        self.head = nn.Linear(self.feature_dim, num_classes)
