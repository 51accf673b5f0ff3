"""ViTs (arXiv:2010.11929) of four encoders: N batch, L tokens, D width."""
import math

import torch
from torch import Tensor, nn

from rcg.models.encoders.base import Encoder
from rcg.models.layers.block import Block
from rcg.models.layers.embeddings import position_table
from rcg.models.layers.mlp import batch_norm_mlp
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

    Images have a side of ``img_size`` pixels, a multiple of ``patch_size``.
    The hidden width of the MLPs is ``mlp_ratio`` times D, ``embed_dim``.
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
        # Fixed in MoCo v3, learned in DINO, iBOT, DeiT; in the files of all.
        self.register_buffer('pos_embed', position_table(
            embed_dim, img_size // patch_size, row_first=True,
            class_token=True)[None])
        self.blocks = nn.Sequential(*(
            Block(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights as MoCo v3 does: Xavier, patches too."""
        for name, layer in (*self.blocks.named_modules(),
                            ('patches', self.patch_embed.proj)):
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                # Queries, keys and values count as three layers.
                fan_out = len(layer.weight) // (3 if 'qkv' in name else 1)
                bound = math.sqrt(6 / (fan_out + layer.weight[0].numel()))
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.cls_token, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """The normed class token; (N, 3, img_size, img_size) -> (N, D)."""
        cls_token = self.cls_token.expand(len(x), -1, -1)
        x = torch.cat([cls_token, self.patch_embed(x)], 1)  # (N, L, D)
        return self.norm(self.blocks(x + self.pos_embed))[:, 0]


class ViTEncoder(Encoder):
    """A ViT whose class token a ``head`` projects, which a subclass defines.

    Images are resized to ``img_size``. ``vit`` holds other arguments of
    :class:`VisionTransformer`, ``kwargs`` those of :class:`Encoder`.
    """

    def __init__(self, img_size: int = 224, vit: dict | None = None,
                 **kwargs) -> None:
        super().__init__(input_size=img_size, **kwargs)
        self.backbone = VisionTransformer(img_size, **(vit or {}))
        self.feature_dim = self.backbone.embed_dim


@ENCODERS.register_module()
class MoCoV3ViT(ViTEncoder):
    """The ViT and three-layer projector of MoCo v3 (arXiv:2104.02057).

    With ``freeze_patch_embed`` the patch embedding keeps its random initial
    weights, which makes training stable (section 4.3).
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
    """The ViT and GELU projector of DINO (2104.14294), iBOT (2111.07832).

    RCG stops in front of the L2 norm and the prototypes of DINO's own head.
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

    It was trained with labels: RCG takes its logits for representations;
    ``with_projector=False``, its class token.
    """

    def __init__(self, num_classes: int = 1000, **kwargs) -> None:
        super().__init__(**kwargs)
        self.head_dim = num_classes
        self.head = nn.Linear(self.feature_dim, num_classes)
