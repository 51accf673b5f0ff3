"""Hooks, one a file."""
from .cache_features import CacheFeaturesHook
from .checkpoint import PlainCheckpointHook
from .ema import TrainableEMAHook
from .iter_seed import IterSeedHook
from .progress import ProgressHook
from .runtime_info import LightRuntimeInfoHook
from .sample_grid import SampleGridHook

__all__ = [
    'CacheFeaturesHook', 'IterSeedHook', 'LightRuntimeInfoHook',
    'PlainCheckpointHook', 'ProgressHook', 'SampleGridHook',
    'TrainableEMAHook'
]
