"""Tokenizers: images <-> token ids, latents or pixels."""
from .autoencoder_kl import AutoencoderKL
from .latent_vqgan import LatentVQGAN
from .pixels import Pixels
from .quantizer import VectorQuantizer
from .vqgan import VQGAN

__all__ = ['AutoencoderKL', 'LatentVQGAN', 'Pixels', 'VQGAN',
           'VectorQuantizer']
