"""Representation autoencoders (arXiv:2510.11690): a ViT's grid as codes."""
from .autoencoder import RepresentationAutoencoder
from .decoder import ViTDecoder
from .normalization import GridNormalization
from .training import DecoderTraining, NormalizationTraining

__all__ = ['DecoderTraining', 'GridNormalization', 'NormalizationTraining',
           'RepresentationAutoencoder', 'ViTDecoder']
