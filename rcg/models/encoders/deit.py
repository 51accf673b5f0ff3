"""The ViT of DeiT (arXiv:2012.12877), trained with labels."""
from torch import nn

from rcg.models.encoders.vit import ViTEncoder
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class DeiTViT(ViTEncoder):
    """A ViT classifier without distillation token.

    RCG takes its logits for representations; ``with_projector=False``, its
    class token.

    Args:
        num_classes: Number of logits.
        kwargs: See :class:`ViTEncoder`.
    """

    def __init__(self, num_classes: int = 1000, **kwargs) -> None:
        super().__init__(**kwargs)
        self.head_dim = num_classes
        self.head = nn.Linear(self.feature_dim, num_classes)
