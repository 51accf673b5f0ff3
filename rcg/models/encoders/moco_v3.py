"""The ViT and projector of MoCo v3 (arXiv:2104.02057)."""
from rcg.models.encoders.vit import ViTEncoder
from rcg.models.layers.mlp import batch_norm_mlp
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class MoCoV3ViT(ViTEncoder):
    """A ViT whose class token goes through a three-layer projector.

    Args:
        projector_hidden_dim: Hidden width of the projector.
        projector_dim: Output width of the projector.
        freeze_patch_embed: Whether the patch embedding keeps its random
            initial weights, which makes training stable (section 4.3).
        kwargs: See :class:`ViTEncoder`.
    """

    def __init__(self, projector_hidden_dim: int = 4096,
                 projector_dim: int = 256, freeze_patch_embed: bool = True,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.backbone.patch_embed.requires_grad_(not freeze_patch_embed)
        self.head_dim = projector_dim
        self.head = batch_norm_mlp(self.feature_dim, projector_hidden_dim,
                                   projector_hidden_dim, projector_dim)
