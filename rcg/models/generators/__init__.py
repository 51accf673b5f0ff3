"""Pixel generators: loss(codes, condition), sample(condition)."""
from .base import PixelGenerator
from .diffusion_generator import DiffusionGenerator
from .mage import MAGE

__all__ = ['MAGE', 'DiffusionGenerator', 'PixelGenerator']
