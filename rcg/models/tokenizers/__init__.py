"""Codecs: images <-> token ids or latents."""
from .autoencoder_kl import AutoencoderKL
from .latent_vqgan import LatentVQGAN
from .quantizer import VectorQuantizer
from .vqgan import VQGAN

__all__ = ['AutoencoderKL', 'VQGAN', 'LatentVQGAN', 'VectorQuantizer']
