"""The ViT and projector of DINO (arXiv:2104.14294) and iBOT (2111.07832)."""
from torch import nn

from rcg.models.encoders.vit import ViTEncoder
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class DINOViT(ViTEncoder):
    """A ViT whose class token goes through a three-layer GELU projector.

    RCG stops in front of the L2 norm and the prototypes that follow in
    DINO's own head.

    Args:
        projector_hidden_dim: Hidden width of the projector.
        projector_dim: Output width of the projector.
        kwargs: See :class:`ViTEncoder`.
    """

    def __init__(self, projector_hidden_dim: int = 2048,
                 projector_dim: int = 256, **kwargs) -> None:
        super().__init__(**kwargs)
        self.head_dim = projector_dim
        self.head = nn.Sequential(
            nn.Linear(self.feature_dim, projector_hidden_dim), nn.GELU(),
            nn.Linear(projector_hidden_dim, projector_hidden_dim), nn.GELU(),
            nn.Linear(projector_hidden_dim, projector_dim))
