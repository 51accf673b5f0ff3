"""MMEngine's strategies, for its FlexibleRunner with our configs."""
import copy

import torch
from mmengine import _strategy as stock
from mmengine.dist import get_world_size, infer_launcher

from rcg.engine.determinism import prepare_cublas
from rcg.engine.distributed import start_processes
from rcg.engine.schedule import in_iterations, resolve_lr
from rcg.engine.wrapping import wrapper_config
from rcg.precision import set_float32
from rcg.registry import STRATEGIES


class _OurConfigs:
    """Adds what our configs hold and MMEngine's strategies do not know.

    These are the precision of float32, processes without GPUs, ``base_lr``,
    and schedules in shares of the run.
    """

    def _setup_env(self, *, launcher: str | None = None,
                   dist_cfg: dict | None = None, float32: str = 'high',
                   **kwargs) -> None:
        set_float32(float32)
        launcher = launcher or infer_launcher()
        if launcher != 'none':
            start_processes(launcher, **(dist_cfg or {}))
        super()._setup_env(launcher=launcher, dist_cfg=dist_cfg, **kwargs)

    def _set_randomness(self, seed: int | None = None,
                        diff_rank_seed: bool = False,
                        deterministic: bool = False) -> None:
        if deterministic:
            prepare_cublas()
        super()._set_randomness(seed, diff_rank_seed, deterministic)

    def build_optim_wrapper(self, optim_wrapper, model=None):
        """Build; turn ``base_lr`` into ``lr`` and log how."""
        if isinstance(optim_wrapper, dict):
            optim_wrapper = copy.deepcopy(optim_wrapper)
            size = self.dispatch_kwargs['train_micro_batch_size_per_gpu']
            for line in resolve_lr(optim_wrapper, size, get_world_size()):
                self.logger.info(line)
        return super().build_optim_wrapper(optim_wrapper, model)

    def build_param_scheduler(self, scheduler, optim_wrapper,
                              default_args: dict | None = None):
        """Build; see :func:`~rcg.engine.schedule.in_iterations`."""
        return super().build_param_scheduler(
            in_iterations(scheduler, self.dispatch_kwargs['max_iters']),
            optim_wrapper, default_args)


@STRATEGIES.register_module()
class SingleDeviceStrategy(_OurConfigs, stock.SingleDeviceStrategy):
    """MMEngine's, for one process."""


@STRATEGIES.register_module()
class DDPStrategy(_OurConfigs, stock.DDPStrategy):
    """MMEngine's, which also works without a GPU."""

    def _wrap_model(self, model):
        self.model_wrapper = wrapper_config(self.model_wrapper)
        return super()._wrap_model(model)


@STRATEGIES.register_module()
class FSDPStrategy(_OurConfigs, stock.FSDPStrategy):
    """MMEngine's, which also works without a GPU.

    Raises:
        ValueError: The optimizer's config needs whole weights.
    """

    def _wrap_model(self, model):
        self.model_wrapper = {'type': 'MMFullyShardedDataParallel',
                              **(self.model_wrapper or {})}
        self.model_wrapper.setdefault('device_id', (
            torch.cuda.current_device() if torch.cuda.is_available()
            else torch.device('cpu')))
        return super()._wrap_model(model)

    def build_optim_wrapper(self, optim_wrapper, model=None):
        """Build; refuse what would go wrong without a word on shards."""
        cfg = optim_wrapper if isinstance(optim_wrapper, dict) else {}
        constructor = cfg.get('constructor', '')
        name = getattr(constructor, '__name__', constructor)
        if name in ('TwoGroupConstructor', 'JointConstructor'):
            raise ValueError(
                f'{name} finds the weights to decay by their shape, which '
                "FSDP flattens: set optim_wrapper.constructor="
                "'DefaultOptimWrapperConstructor', or train with "
                'DDPStrategy.')
        if cfg.get('clip_grad'):
            raise ValueError(
                'clip_grad would clip the shard of each process by its own '
                'norm with FSDP: set optim_wrapper.clip_grad=None, or train '
                'with DDPStrategy.')
        return super().build_optim_wrapper(optim_wrapper, model)
