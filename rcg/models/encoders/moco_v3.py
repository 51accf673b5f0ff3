"""The ViT and projector of MoCo v3 (arXiv:2104.02057)."""
from torch import Tensor

from rcg.models.encoders.base import Encoder
from rcg.models.encoders.vit import VisionTransformer
from rcg.models.layers.mlp import batch_norm_mlp
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class MoCoV3ViT(Encoder):
    """A ViT whose class token goes through a three-layer projector.

    Args:
        img_size: Side of the ViT's images; others are resized to it.
        vit: Remaining arguments of :class:`VisionTransformer`.
        projector_hidden_dim: Hidden width of the projector.
        projector_dim: Output width of the projector.
        freeze_patch_embed: Whether the patch embedding keeps its random
            initial weights, which makes training stable (section 4.3).
        kwargs: See :class:`Encoder`.
    """

    def __init__(self, img_size: int = 224, vit: dict | None = None,
                 projector_hidden_dim: int = 4096, projector_dim: int = 256,
                 freeze_patch_embed: bool = True, **kwargs) -> None:
        super().__init__(input_size=img_size, **kwargs)
        self.backbone = VisionTransformer(img_size, **(vit or {}))
        self.backbone.patch_embed.requires_grad_(not freeze_patch_embed)
        self.feature_dim = self.backbone.embed_dim
        self.head_dim = projector_dim
        self.head = batch_norm_mlp(self.feature_dim, projector_hidden_dim,
                                   projector_hidden_dim, projector_dim)

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, img_size, img_size) -> (N, D)."""
        return self.backbone(x)
