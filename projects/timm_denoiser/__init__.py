"""A denoiser of one's own: a vision transformer of timm."""
from .denoiser import TimmDenoiser

__all__ = ['TimmDenoiser']
