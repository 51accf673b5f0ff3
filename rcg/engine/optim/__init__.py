"""Optimizer wrappers and their constructors."""
from .autocast import AutocastOptimWrapper
from .joint import (
    JointConstructor,
    JointOptimWrapper,
    is_between_steps,
    single_wrappers,
)
from .muon import MuonAdamW
from .step_guard import StepGuard, just_skipped, step_guard
from .two_groups import TwoGroupConstructor

__all__ = [
    'AutocastOptimWrapper', 'JointConstructor', 'JointOptimWrapper',
    'MuonAdamW', 'StepGuard', 'TwoGroupConstructor', 'is_between_steps',
    'just_skipped', 'single_wrappers', 'step_guard'
]
