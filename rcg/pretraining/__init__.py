"""Learning the parts from unlabeled images. Importing it registers all."""
from rcg.pretraining import (
    adversarial,
    augment,
    augment_color,
    classifier,
    codebook,
    kl,
    moco_v3,
    perceptual,
    pixel_pca,
    recompute_bn,
    vqgan,
)

__all__ = [
    'adversarial', 'augment', 'augment_color', 'classifier', 'codebook', 'kl',
    'moco_v3', 'perceptual', 'pixel_pca', 'recompute_bn', 'vqgan'
]
