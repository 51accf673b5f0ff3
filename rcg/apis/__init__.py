"""Using trained models from Python."""
from .figures import labelled_grid
from .inferencer import RCGInferencer
from .subjects import class_names, find_labels, load_images

__all__ = [
    'RCGInferencer', 'class_names', 'find_labels', 'labelled_grid',
    'load_images'
]
