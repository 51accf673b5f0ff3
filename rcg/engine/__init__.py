"""What MMEngine lacks: runner, loop, optimizer parts, hooks, configs."""
from .configs.files import find_config
from .configs.loading import load_config
from .console import log
from .ema import TrainableEMA
from .evaluation_loops import TestLoop, ValLoop
from .halving import Halving
from .hooks.cache_features import CacheFeaturesHook
from .hooks.checkpoint import PlainCheckpointHook
from .hooks.disk_space import DiskSpaceHook
from .hooks.ema import TrainableEMAHook
from .hooks.environment import EnvironmentHook
from .hooks.iter_seed import IterSeedHook
from .hooks.non_finite import NonFiniteHook
from .hooks.progress import ProgressHook
from .hooks.resume_validation import ResumeValidationHook
from .hooks.runtime_info import LightRuntimeInfoHook
from .hooks.sample_grid import SampleGridHook, make_grid
from .hooks.stop_on_signal import StopOnSignalHook
from .loop import StreamTrainLoop
from .optim import (
    AutocastOptimWrapper,
    JointConstructor,
    JointOptimWrapper,
    MuonAdamW,
    TwoGroupConstructor,
)
from .runner import RcgRunner
from .safe_loader import SafePretrainedInit
from .sharded_model import ShardedModel
from .strategies import DDPStrategy, FSDPStrategy, SingleDeviceStrategy
from .unwrapping import bare_model
from .visualizer import ScalarVisualizer

__all__ = [
    'AutocastOptimWrapper', 'CacheFeaturesHook', 'DDPStrategy',
    'DiskSpaceHook', 'EnvironmentHook', 'FSDPStrategy', 'Halving',
    'IterSeedHook', 'JointConstructor', 'JointOptimWrapper',
    'LightRuntimeInfoHook', 'MuonAdamW', 'NonFiniteHook',
    'PlainCheckpointHook',
    'ProgressHook', 'RcgRunner', 'ResumeValidationHook', 'SafePretrainedInit',
    'SampleGridHook', 'ScalarVisualizer', 'ShardedModel',
    'SingleDeviceStrategy',
    'StopOnSignalHook', 'StreamTrainLoop', 'TestLoop', 'TrainableEMA',
    'TrainableEMAHook', 'TwoGroupConstructor', 'ValLoop', 'bare_model',
    'find_config', 'load_config', 'log', 'make_grid'
]
