"""Optimizer wrappers and their constructors."""
from .autocast import AutocastOptimWrapper
from .joint import JointConstructor, JointOptimWrapper, single_wrappers
from .two_groups import TwoGroupConstructor

__all__ = [
    'AutocastOptimWrapper', 'JointConstructor', 'JointOptimWrapper',
    'TwoGroupConstructor', 'single_wrappers'
]
