"""The method and its parts; read rcg.py first."""
from rcg.frozen import Frozen

from . import diffusers, encoders, generators, networks, tokenizers
from .data_preprocessor import ImagePreprocessor
from .layers.condition import LabelCondition, RepresentationCondition
from .rcg import RCG

__all__ = [
    'RCG', 'Frozen', 'ImagePreprocessor', 'LabelCondition',
    'RepresentationCondition', 'diffusers', 'encoders', 'generators',
    'networks', 'tokenizers'
]
