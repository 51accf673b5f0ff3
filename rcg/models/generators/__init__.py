"""Pixel generators: loss(codes, condition), sample(condition)."""
from .alignment import AlignedDiffusionGenerator
from .base import PixelGenerator
from .diffusion_generator import DiffusionGenerator
from .mage import MAGE

__all__ = [
    'AlignedDiffusionGenerator', 'DiffusionGenerator', 'MAGE', 'PixelGenerator'
]
