"""A page in the browser: limits, models, actions; then their controls."""
from .serve import serve_demo

__all__ = ['serve_demo']
