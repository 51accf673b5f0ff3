"""Networks that turn images into features for the metrics."""
from .extractor import Extractor, shared_extractor
from .inception import Inception
from .pretrained import PretrainedExtractor
from .transformers import CLIP, DINOv2

__all__ = ['CLIP', 'DINOv2', 'Extractor', 'Inception', 'PretrainedExtractor',
           'shared_extractor']
