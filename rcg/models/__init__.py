"""The method and its parts; read rcg.py first."""
from rcg.frozen import Frozen

from . import diffusers, encoders, generators, networks, tokenizers
from .aligned_rcg import AlignedRCG
from .data_preprocessor import ImagePreprocessor
from .layers.condition import LabelCondition, RepresentationCondition
from .rcg import RCG

__all__ = [
    'RCG', 'AlignedRCG', 'Frozen', 'ImagePreprocessor', 'LabelCondition',
    'RepresentationCondition', 'diffusers', 'encoders', 'generators',
    'networks', 'tokenizers'
]
