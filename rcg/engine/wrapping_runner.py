"""MMEngine's Runner, whose model may be divided among the processes."""
from mmengine.device import get_device
from mmengine.dist import broadcast
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from rcg.engine.extensible import ExtensibleRunner
from rcg.engine.optim import single_wrappers
from rcg.engine.shards import sharded_optimizer_state, sharded_weights
from rcg.engine.unwrapping import bare_model, is_sharded
from rcg.engine.wrapping import is_flattening, wrapper_config
from rcg.registry import MODEL_WRAPPERS


class WrappingRunner(ExtensibleRunner):
    """Wraps by DDP or :class:`~rcg.engine.sharded_model.ShardedModel`."""

    def wrap_model(self, model_wrapper_cfg: dict | None,
                   model: nn.Module) -> nn.Module:
        """Wrap for several processes, with or without a GPU.

        Raises:
            ValueError: The wrapper is the first FSDP's.
        """
        if not self.distributed or is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        cfg = wrapper_config(model_wrapper_cfg,
                             self.cfg.get('find_unused_parameters', False))
        if is_flattening(cfg):
            raise ValueError(
                "MMEngine's Runner spreads the first weights from one process "
                'to all, which destroys the shards of FSDP: set '
                "model_wrapper_cfg.type='ShardedModel' (FSDP2); or "
                "runner_type='FlexibleRunner' and "
                "strategy=dict(type='FSDPStrategy').")
        if not getattr(MODEL_WRAPPERS.class_of(cfg), 'wants_first_weights',
                       False):
            return super().wrap_model(cfg, model)
        model = model.to(get_device())
        _give_first_weights(model)
        return MODEL_WRAPPERS.build(cfg, default_args=dict(module=model))

    def _init_model_weights(self) -> None:
        """Give first weights, unless a model of shards has them."""
        if not is_sharded(self.model):
            super()._init_model_weights()

    def _load_weights(self, state: dict[str, Tensor]) -> None:
        """Load whole weights, which fit, into the model."""
        model = bare_model(self)
        if is_sharded(self.model):
            state = sharded_weights(state, model.state_dict())
        model.load_state_dict(state, strict=False)

    def _load_optimizer(self, state: dict) -> None:
        """Load the states of all optimizers, of whole weights."""
        wrappers = single_wrappers(self.optim_wrapper)
        if is_sharded(self.model) and list(wrappers) == ['']:
            state = sharded_optimizer_state(wrappers[''].optimizer, state)
        self.optim_wrapper.load_state_dict(state)


def _give_first_weights(model: nn.Module) -> None:
    """Initialize a whole model, as the Runner does, on all processes."""
    if hasattr(model, 'init_weights'):
        model.init_weights()
    for value in model.state_dict().values():
        broadcast(value)
