"""Learning the parts from unlabeled images."""
from rcg.projects.pretraining.adversarial import (
    AdversarialLoss,
    PatchDiscriminator,
)
from rcg.projects.pretraining.augment import (
    Augmentation,
    Cutout,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
)
from rcg.projects.pretraining.augment_color import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    RandomGamma,
    RandomGrayscale,
    Solarize,
)
from rcg.projects.pretraining.classifier import (
    ClassifierTraining,
    ConvClassifier,
)
from rcg.projects.pretraining.codebook import EMACodebook
from rcg.projects.pretraining.moco_v3 import MoCoV3
from rcg.projects.pretraining.perceptual import (
    EncoderFeatures,
    PerceptualLoss,
    VGG16Features,
)
from rcg.projects.pretraining.pixel_pca import (
    NoOptimizer,
    NoWrapper,
    PCATraining,
)
from rcg.projects.pretraining.recompute_bn import RecomputeBatchNormHook
from rcg.projects.pretraining.vqgan import VQTraining

__all__ = [
    'AdversarialLoss', 'Augmentation', 'ClassifierTraining', 'ColorJitter',
    'ConvClassifier', 'Cutout', 'EMACodebook', 'EncoderFeatures',
    'GaussianBlur', 'GaussianNoise', 'MoCoV3', 'NoOptimizer', 'NoWrapper',
    'PCATraining', 'PatchDiscriminator', 'PerceptualLoss', 'RandomAffine',
    'RandomFlip', 'RandomGamma', 'RandomGrayscale', 'RandomResizedCrop',
    'RecomputeBatchNormHook', 'Solarize', 'VGG16Features', 'VQTraining'
]
