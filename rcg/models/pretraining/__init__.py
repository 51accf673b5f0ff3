from .augment import Cutout, RandomAffine, RandomFlip, RandomResizedCrop
from .augment_color import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    RandomGamma,
    RandomGrayscale,
    Solarize,
)
from .moco_v3 import MoCoV3

__all__ = [
    'ColorJitter', 'Cutout', 'GaussianBlur', 'GaussianNoise', 'MoCoV3',
    'RandomAffine', 'RandomFlip', 'RandomGamma', 'RandomGrayscale',
    'RandomResizedCrop', 'Solarize'
]
