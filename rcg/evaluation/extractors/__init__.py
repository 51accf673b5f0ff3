"""Networks that turn images into features for the metrics."""
from .extractor import Extractor, shared_extractor
from .pretrained import CLIP, DINOv2, Inception

__all__ = ['CLIP', 'DINOv2', 'Extractor', 'Inception', 'shared_extractor']
