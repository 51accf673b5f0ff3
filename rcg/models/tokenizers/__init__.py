"""Codecs: images <-> token ids."""
from .quantizer import VectorQuantizer
from .vqgan import VQGAN

__all__ = ['VQGAN', 'VectorQuantizer']
