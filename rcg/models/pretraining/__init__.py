"""Learning the parts from unlabeled images."""
from rcg.models.pretraining.augment import (
    Augmentation,
    Cutout,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
)
from rcg.models.pretraining.augment_color import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    RandomGamma,
    RandomGrayscale,
    Solarize,
)
from rcg.models.pretraining.moco_v3 import MoCoV3
from rcg.models.pretraining.pixel_pca import (
    NoOptimizer,
    NoWrapper,
    PCATraining,
)
from rcg.models.pretraining.recompute_bn import RecomputeBatchNormHook

__all__ = [
    'Augmentation', 'ColorJitter', 'Cutout', 'GaussianBlur', 'GaussianNoise',
    'MoCoV3', 'NoOptimizer', 'NoWrapper', 'PCATraining', 'RandomAffine',
    'RandomFlip', 'RandomGamma', 'RandomGrayscale', 'RandomResizedCrop',
    'RecomputeBatchNormHook', 'Solarize'
]
