"""Codecs: images <-> token ids or latents."""
from .latent_vqgan import LatentVQGAN
from .quantizer import VectorQuantizer
from .vqgan import VQGAN

__all__ = ['VQGAN', 'LatentVQGAN', 'VectorQuantizer']
