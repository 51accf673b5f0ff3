"""A small classifier that serves as feature extractor for small images.

Frechet distance and Inception Score need a network that knows the data.
Inception has never seen digits; this network learns them in seconds.
"""
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from rcg.registry import FEATURE_EXTRACTORS, MODELS
from rcg.rng import SampleRng


def _block(in_dim: int, out_dim: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_dim, out_dim, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_dim), nn.ReLU(inplace=True))


@FEATURE_EXTRACTORS.register_module()
class ConvClassifier(nn.Module):
    """Four convolutions, global average pooling, one linear layer.

    With batch norm it learns digits in 100 steps, with group norm in 300.

    Args:
        num_classes: Length K of the logits.
        width: Channels of the first convolution; the second has twice that.
        feature_dim: Length D of the features.
    """

    def __init__(self, num_classes: int = 10, width: int = 24,
                 feature_dim: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(3, width, stride=1),
            _block(width, 2 * width, stride=2),
            _block(2 * width, feature_dim, stride=2),
            _block(feature_dim, feature_dim, stride=1))
        self.head = nn.Linear(feature_dim, num_classes)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Uint8 images (N, 3, H, W) -> features (N, D), logits (N, K)."""
        features = self.features(images.float().div_(127.5).sub_(1))
        return {'features': features, 'logits': self.head(features)}

    def features(self, images: Tensor) -> Tensor:
        """Images in [-1, 1] -> features (N, D) before the head."""
        return self.body(images).mean((2, 3))


def random_shift(images: Tensor, rng: SampleRng, pixels: int) -> Tensor:
    """Shift each image by up to ``pixels`` along both axes.

    Args:
        images (N, C, H, W): Their borders are replicated.
        rng: Gives each image a pair of offsets.
        pixels: Largest offset in either direction.
    """
    N, C, H, W = images.shape
    padded = F.pad(images, [pixels] * 4, mode='replicate')
    top, left = rng.randint(2 * pixels + 1, 2).unbind(1)  # (N,) each
    windows = padded.unfold(2, H, 1).unfold(3, W, 1)  # (N, C, 2p+1, 2p+1, ..)
    rows = rng.keys.new_tensor(range(N))
    return windows[rows, :, top, left]  # (N, C, H, W)


@MODELS.register_module()
class ClassifierTraining(BaseModel):
    """Train a classifier by cross-entropy on labeled images.

    Args:
        classifier: Config of a feature extractor with ``features`` and
            ``head``, such as :class:`ConvClassifier`.
        shift: Largest shift in pixels; see :func:`random_shift`.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.
    """

    def __init__(self, classifier: dict, shift: int = 1, **base) -> None:
        super().__init__(**base)
        self.classifier = FEATURE_EXTRACTORS.build(classifier)
        self.shift = shift

    def forward(self, images: Tensor, labels: Tensor,
                indices: Tensor | None = None, rng: SampleRng | None = None,
                mode: str = 'tensor') -> Tensor | dict | list[dict]:
        """Dispatch on ``mode``: 'loss', 'predict', or 'tensor' (logits)."""
        if mode == 'loss':
            return self.loss(images, labels, rng)
        logits = self.logits(images)
        if mode == 'tensor':
            return logits
        correct = (logits.argmax(1) == labels).tolist()
        return [dict(correct=right, logits=row, index=index)
                for right, row, index in zip(
                    correct, logits, indices.tolist(), strict=True)]

    def logits(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [-1, 1]."""
        return self.classifier.head(self.classifier.features(images))

    def loss(self, images: Tensor, labels: Tensor,
             rng: SampleRng) -> dict[str, Tensor]:
        """Cross-entropy and accuracy on randomly shifted images."""
        logits = self.logits(random_shift(images, rng, self.shift))
        right = (logits.argmax(1) == labels).float().mean()
        return {'loss_cross_entropy': F.cross_entropy(logits, labels),
                'accuracy': right}
