"""What MMEngine lacks: runner, loop, optimizer parts, hooks, configs."""
from .config import find_config, load_config
from .ema import TrainableEMA
from .hooks import (
    CacheFeaturesHook,
    IterSeedHook,
    LightRuntimeInfoHook,
    PlainCheckpointHook,
    ProgressHook,
    SampleGridHook,
    TrainableEMAHook,
)
from .hooks.sample_grid import make_grid
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
    'make_grid',
]
