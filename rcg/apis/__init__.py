"""Using trained models from Python."""
from .inferencer import RCGInferencer

__all__ = ['RCGInferencer']
