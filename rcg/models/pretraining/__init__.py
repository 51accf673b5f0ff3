"""Learning the parts from unlabeled images."""
from rcg.models.pretraining.adversarial import (
    AdversarialLoss,
    PatchDiscriminator,
)
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
from rcg.models.pretraining.classifier import (
    ClassifierTraining,
    ConvClassifier,
)
from rcg.models.pretraining.codebook import EMACodebook
from rcg.models.pretraining.kl import KLTraining
from rcg.models.pretraining.moco_v3 import MoCoV3
from rcg.models.pretraining.perceptual import (
    EncoderFeatures,
    PerceptualLoss,
    VGG16Features,
)
from rcg.models.pretraining.pixel_pca import (
    NoOptimizer,
    NoWrapper,
    PCATraining,
)
from rcg.models.pretraining.recompute_bn import RecomputeBatchNormHook
from rcg.models.pretraining.vqgan import VQTraining

__all__ = [
    'AdversarialLoss', 'Augmentation', 'ClassifierTraining', 'ColorJitter',
    'ConvClassifier', 'Cutout', 'EMACodebook', 'EncoderFeatures',
    'GaussianBlur', 'GaussianNoise', 'KLTraining', 'MoCoV3', 'NoOptimizer',
    'NoWrapper', 'PCATraining', 'PatchDiscriminator', 'PerceptualLoss',
    'RandomAffine', 'RandomFlip', 'RandomGamma', 'RandomGrayscale',
    'RandomResizedCrop', 'RecomputeBatchNormHook', 'Solarize',
    'VGG16Features', 'VQTraining'
]
