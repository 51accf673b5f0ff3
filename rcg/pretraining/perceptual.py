"""Distance of images in the features of a frozen network.

It is LPIPS (arXiv:1801.03924, eq. 1) with all weights 1: features are scaled
to unit length at each position; their squared differences are averaged over
positions and summed over layers.
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.frozen import Frozen, HasFrozenParts
from rcg.registry import ENCODERS, MODELS


@MODELS.register_module()
class VGG16Features(nn.Module):
    """Features of torchvision's VGG16 after five of its ReLUs, as in LPIPS.

    Args:
        checkpoint: Local file of ImageNet weights: torchvision's
            ``vgg16-397923af.pth``, or one with the same names.
    """

    ends = 3, 8, 15, 22, 29  # relu1_2, relu2_2, relu3_3, relu4_3, relu5_3

    def __init__(self, checkpoint: str) -> None:
        super().__init__()
        from torchvision.models import vgg16  # takes seconds
        with torch.device('meta'):  # not 500 MB for its classifier
            layers = vgg16(weights=None).features[:self.ends[-1] + 1]
        self.layers = layers.to_empty(device='cpu')
        load_weights(self.layers, find_checkpoint(checkpoint), 'features.')
        for name, values in dict(mean=(.485, .456, .406),
                                 std=(.229, .224, .225)).items():
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1),
                                 persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images in [-1, 1] -> five feature maps (N, C, h, w).

        Images need at least 16 pixels a side.
        """
        x = ((images + 1) / 2 - self.mean) / self.std
        features = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.ends:
                features.append(x)
        return features


@MODELS.register_module()
class EncoderFeatures(HasFrozenParts, nn.Module):
    """The representation of an encoder as the only feature.

    Args:
        encoder: Config of a frozen encoder, with ``checkpoint``.
    """

    def __init__(self, encoder: dict) -> None:
        super().__init__()
        self.encoder = Frozen.build(ENCODERS, encoder)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in [-1, 1] -> a list of one tensor (N, D)."""
        return [self.encoder.on(images.device)(images)]


def feature_distance(ours: Sequence[Tensor],
                     theirs: Sequence[Tensor]) -> Tensor:
    """Distance of two batches of features, summed over layers.

    Args:
        ours: Features (N, C, ...) of each layer.
        theirs: Likewise, of the same shapes.

    Returns:
        Float32 scalar, 0 for equal features, at most 4 for each layer.
    """
    return sum(
        (F.normalize(a.float(), dim=1) - F.normalize(b.float(), dim=1))
        .square().sum(1).mean()
        for a, b in zip(ours, theirs, strict=True))


@MODELS.register_module()
class PerceptualLoss(HasFrozenParts, nn.Module):
    """Weighted :func:`feature_distance` of images and reconstructions.

    The network is frozen; checkpoints do not hold it.

    Args:
        network: Config of the feature network.
        weight: Weight of the loss.
    """

    def __init__(self, network: dict, weight: float = 1.) -> None:
        super().__init__()
        self.network = Frozen(MODELS.build(network))
        self.weight = weight

    def forward(self, fakes: Tensor, reals: Tensor) -> Tensor:
        """Loss of ``fakes`` (N, 3, H, W) in [-1, 1], which get gradients."""
        network = self.network.on(fakes.device)
        with torch.no_grad():
            theirs = network(reals)
        return self.weight * feature_distance(network(fakes), theirs)
