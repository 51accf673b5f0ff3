"""Hooks, one a file."""
from .cache_features import CacheFeaturesHook
from .checkpoint import PlainCheckpointHook
from .ema import TrainableEMAHook
from .iter_seed import IterSeedHook
from .progress import ProgressHook
from .resumable import ResumableTestHook
from .runtime_info import LightRuntimeInfoHook
from .sample_grid import SampleGridHook
from .save_images import SaveImagesHook

__all__ = [
    'CacheFeaturesHook', 'IterSeedHook', 'LightRuntimeInfoHook',
    'PlainCheckpointHook', 'ProgressHook', 'ResumableTestHook',
    'SampleGridHook', 'SaveImagesHook', 'TrainableEMAHook'
]
