"""Models that a training computes in closed form, without a gradient."""
import contextlib

from mmengine.dist import all_reduce
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from rcg.registry import MODEL_WRAPPERS, OPTIM_WRAPPER_CONSTRUCTORS


class _NoOptimWrapper(OptimWrapperDict):

    def get_lr(self) -> dict[str, list[float]]:
        """The learning rate 0, for the log."""
        return {'lr': [0.]}

    def optim_context(self, model: nn.Module):
        """A context that changes nothing: there is no precision to set."""
        return contextlib.nullcontext()


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class NoOptimizer:
    """Builds no optimizer, for models that are computed in closed form.

    In a config: ``optim_wrapper=dict(constructor='NoOptimizer')``.
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: dict | None = None) -> None:
        if optim_wrapper_cfg or paramwise_cfg:
            raise ValueError('NoOptimizer takes no options, got '
                             f'{sorted({**optim_wrapper_cfg})} and '
                             f'paramwise_cfg={paramwise_cfg}; delete them.')

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        return _NoOptimWrapper()


@MODEL_WRAPPERS.register_module()
class NoWrapper(nn.Module):
    """Returns the model itself, since DDP refuses models without gradients.

    In a config: ``model_wrapper_cfg=dict(type='rcg.NoWrapper')`` (MMEngine
    looks for wrappers in its own scope). The model must communicate between
    processes by itself.
    """

    def __new__(cls, module: nn.Module, **ddp_options) -> nn.Module:
        return module


class ClosedFormTraining(BaseModel):
    """Base of what sums over all images and solves, in the usual loop.

    A subclass has buffers for its sums, in float64 or integers. Its loss adds
    a batch to them by :meth:`add`, so that one pass over a dataset is exact,
    whatever the order of the images and the number of processes.
    """

    def train_step(self, data: dict,
                   optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Add a batch to the sums; there is no gradient and no step."""
        data = self.data_preprocessor(data, True)
        return self.parse_losses(self(**data, mode='loss'))[1]

    def add(self, **parts: Tensor) -> None:
        """Add to buffers by name what a batch has, on all processes."""
        for name, part in parts.items():
            all_reduce(part)
            getattr(self, name).add_(part)
