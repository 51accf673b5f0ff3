"""Pixel generators: loss(codes, condition), sample(condition)."""
from .mage import MAGE

__all__ = ['MAGE']
