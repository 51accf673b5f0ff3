"""ResNets for small images, the encoders of SimCLR on CIFAR-10."""
from torch import Tensor, nn

from rcg.models.encoders.base import Encoder
from rcg.models.layers.projector import batch_norm_mlp
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class SmallResNet(Encoder):
    """ResNet that starts at full resolution; SimCLR, appendix B.9.

    The first convolution is 3x3 without a stride, and there is no max pooling
    after it (arXiv:2002.05709). The rest is timm's, with its names of weights.
    The projector has two layers.

    Args:
        depth: 18, 34, 50, 101 or 152.
        projector_hidden_dim: Width of the projector's hidden layer.
        projector_dim: Width of its output.
        kwargs: Arguments of :class:`Encoder`.

    Raises:
        ValueError: There is no ResNet of that depth.
    """

    def __init__(self, depth: int = 18, projector_hidden_dim: int = 512,
                 projector_dim: int = 128, **kwargs) -> None:
        super().__init__(**kwargs)
        if depth not in (18, 34, 50, 101, 152):
            raise ValueError('depth must be 18, 34, 50, 101 or 152, got '
                             f'{depth}.')
        import timm  # takes two seconds
        self.backbone = timm.create_model(f'resnet{depth}', num_classes=0)
        self.backbone.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        nn.init.kaiming_normal_(self.backbone.conv1.weight, mode='fan_out',
                                nonlinearity='relu')
        self.backbone.maxpool = nn.Identity()
        self.feature_dim = self.backbone.num_features
        self.head_dim = projector_dim
        self.head = batch_norm_mlp(self.feature_dim, projector_hidden_dim,
                                   projector_dim)

    def map_features(self, x: Tensor) -> Tensor:
        return self.backbone.forward_features(x)
