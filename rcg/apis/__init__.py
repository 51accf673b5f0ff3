"""Using trained models from Python."""
from rcg.apis.grid import labelled_grid

from .images import load_images
from .inferencer import RCGInferencer

__all__ = ['RCGInferencer', 'labelled_grid', 'load_images']
