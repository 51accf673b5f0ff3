"""What MMEngine lacks: runner, loop, optimizer parts, hooks, configs."""
from .config import find_config, load_config
from .ema import TrainableEMA
from .hooks.cache_features import CacheFeaturesHook
from .hooks.checkpoint import PlainCheckpointHook
from .hooks.ema import TrainableEMAHook
from .hooks.iter_seed import IterSeedHook
from .hooks.progress import LightRuntimeInfoHook, ProgressHook
from .hooks.sample_grid import SampleGridHook, make_grid
from .joint_optim_wrapper import JointConstructor, JointOptimWrapper
from .loop import StreamTrainLoop
from .optim import AutocastOptimWrapper, TwoGroupConstructor
from .runner import RcgRunner
from .visualizer import ScalarVisualizer

__all__ = [
    'AutocastOptimWrapper', 'CacheFeaturesHook', 'IterSeedHook',
    'JointConstructor', 'JointOptimWrapper', 'LightRuntimeInfoHook',
    'PlainCheckpointHook', 'ProgressHook', 'RcgRunner', 'SampleGridHook',
    'ScalarVisualizer', 'StreamTrainLoop', 'TrainableEMA',
    'TrainableEMAHook', 'TwoGroupConstructor', 'find_config', 'load_config',
    'make_grid'
]
