"""Pre-training of the frozen parts: encoders, tokenizers, classifiers.

Importing this package registers its models, losses, transforms and hooks.
"""
from rcg.pretraining.adversarial import AdversarialLoss, PatchDiscriminator
from rcg.pretraining.augment import (
    Augmentation,
    Cutout,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
    RandomTransform,
)
from rcg.pretraining.augment_color import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    RandomGamma,
    RandomGrayscale,
    Solarize,
)
from rcg.pretraining.classifier import ClassifierTraining, ConvClassifier
from rcg.pretraining.closed_form import (
    ClosedFormTraining,
    NoOptimizer,
    NoWrapper,
)
from rcg.pretraining.codebook import EMACodebook
from rcg.pretraining.kl import KLTraining
from rcg.pretraining.moco_v3 import MoCoV3
from rcg.pretraining.perceptual import (
    EncoderFeatures,
    PerceptualLoss,
    VGG16Features,
)
from rcg.pretraining.pixel_pca import PCATraining
from rcg.pretraining.recompute_bn import RecomputeBatchNormHook
from rcg.pretraining.simclr import SimCLR
from rcg.pretraining.vqgan import VQTraining

__all__ = [
    'AdversarialLoss', 'Augmentation', 'ClassifierTraining',
    'ClosedFormTraining', 'ColorJitter', 'ConvClassifier', 'Cutout',
    'EMACodebook', 'EncoderFeatures', 'GaussianBlur', 'GaussianNoise',
    'KLTraining', 'MoCoV3', 'NoOptimizer', 'NoWrapper', 'PCATraining',
    'PatchDiscriminator', 'PerceptualLoss', 'RandomAffine', 'RandomFlip',
    'RandomGamma', 'RandomGrayscale', 'RandomResizedCrop', 'RandomTransform',
    'RecomputeBatchNormHook', 'SimCLR', 'Solarize', 'VGG16Features',
    'VQTraining'
]
