"""Mixed precision, parameter groups, several optimizers."""
import contextlib

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from torch import Tensor, nn

from rcg.engine.unwrapping import bare_model
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS


def single_wrappers(wrapper) -> dict[str, OptimWrapper]:
    """The wrappers of single optimizers in a wrapper.

    Returns:
        By name. A wrapper of one optimizer is returned under ''. The result
        is empty where nothing is optimized by steps, as for a PCA.
    """
    if isinstance(wrapper, OptimWrapperDict):
        return dict(wrapper.items())
    return {'': wrapper}


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass under autocast, on a CPU or a GPU.

    bfloat16 has the range of float32, so the loss needs no scaling. For
    float16 on a GPU use MMEngine's ``AmpOptimWrapper``, which scales it.

    Args:
        dtype: 'bfloat16', or 'float32' for no autocast.
        **kwargs: MMEngine's: ``optimizer``, ``accumulative_counts``,
            ``clip_grad``.

    Attributes:
        grad_norm: Norm of the gradients before they were last clipped; None
            before that. It is a tensor on the device, because the host would
            wait for a number in every step.
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        super().__init__(**kwargs)
        if dtype not in ('bfloat16', 'float32'):
            raise ValueError(
                f"dtype must be 'bfloat16' or 'float32', got {dtype!r}; for "
                "float16 on a GPU use type='AmpOptimWrapper'.")
        self.dtype, self.grad_norm = getattr(torch, dtype), None

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module):
        """Autocast, and no gradient exchange between micro-batches."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(
                device, torch.bfloat16, self.dtype == torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        parameters = [p for group in self.optimizer.param_groups
                      for p in group['params'] if p.grad is not None]
        if parameters:
            self.grad_norm = self.clip_func(parameters,
                                            **self.clip_grad_kwargs)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TwoGroupConstructor:
    """Builds an optimizer with two groups: without and with weight decay.

    Parameters do not decay if they have fewer than two axes, if they are
    named ``.bias``, or if they are listed. MMEngine makes a group of each
    parameter; fused and foreach optimizers are faster on two long groups.

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper.
        paramwise_cfg: None or ``dict(no_decay=[...])``, a list of names of
            parameters or of their last components ('class_token').

    Raises:
        ValueError: ``paramwise_cfg`` has other entries.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg=None) -> None:
        self.wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.wrapper_cfg.pop('optimizer'))
        extra = dict(paramwise_cfg or {})
        self.no_decay = list(extra.pop('no_decay', []))
        if extra:
            raise ValueError('paramwise_cfg of TwoGroupConstructor may hold '
                             f'no_decay only, got {sorted(extra)}.')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer and its wrapper."""
        model = bare_model(model)
        cfg = self.optimizer_cfg
        cfg['params'] = self.groups(model, cfg.get('weight_decay', 0.))
        if cfg['type'] in ('Adam', 'AdamW') and not (
                {'fused', 'foreach'} & set(cfg)):
            cfg['fused'] = True  # one kernel for a whole group
        self.wrapper_cfg.setdefault('type', 'AutocastOptimWrapper')
        return OPTIM_WRAPPERS.build(
            self.wrapper_cfg,
            default_args={'optimizer': OPTIMIZERS.build(cfg)})

    def groups(self, model: nn.Module, weight_decay: float) -> list[dict]:
        """The groups, without decay first; an empty group is left out.

        Raises:
            ValueError: The model has no trainable parameter, or none of a
                name in ``no_decay``.
        """
        trainable = {f'.{name}': p for name, p in model.named_parameters()
                     if p.requires_grad}
        if not trainable:
            raise ValueError(f'{type(model).__name__} has no trainable '
                             'parameter; nothing can be learned.')
        for listed in self.no_decay:
            if not any(name.endswith(f'.{listed}') for name in trainable):
                raise ValueError(f"no_decay names '{listed}', but no "
                                 'trainable parameter is called so.')
        ends = tuple(f'.{listed}' for listed in ('bias', *self.no_decay))
        fixed, decaying = [], []
        for name, p in trainable.items():
            decays = p.ndim > 1 and not name.endswith(ends)
            (decaying if decays else fixed).append(p)
        groups = [dict(params=fixed, weight_decay=0.),
                  dict(params=decaying, weight_decay=weight_decay)]
        return [group for group in groups if group['params']]


class JointOptimWrapper(OptimWrapperDict):
    """Steps all its optimizers after one backward pass of one loss.

    It is for models whose parts need optimizers of their own, but whose loss
    is one sum, such as a tokenizer and its discriminator. MMEngine's class
    leaves backward pass and steps to the model's ``train_step``, which
    MMEngine's DDP wrapper does not call. This class works with any model and
    with DDP.

    Args:
        **wrappers: By name. Precision and accumulation are those of the
            first.

    Raises:
        ValueError: They accumulate different numbers of micro-batches.
        TypeError: One of them scales the loss.
    """

    def __init__(self, **wrappers: OptimWrapper) -> None:
        super().__init__(**wrappers)
        counts = {name: wrapper._accumulative_counts
                  for name, wrapper in wrappers.items()}
        if len(set(counts.values())) > 1:
            raise ValueError('all optimizers must have the same '
                             f'accumulative_counts, got {counts}.')
        for name, wrapper in wrappers.items():
            if hasattr(wrapper, 'loss_scaler'):
                raise TypeError(
                    f"'{name}' is a {type(wrapper).__name__}, which scales "
                    'the loss that all optimizers share; use '
                    "type='AutocastOptimWrapper' (bfloat16).")

    @property
    def first(self) -> OptimWrapper:
        """The wrapper that sets precision and accumulation for all."""
        return next(iter(self.optim_wrappers.values()))

    def optim_context(self, model: nn.Module):
        """Precision and gradient exchange of the forward pass."""
        return self.first.optim_context(model)

    def initialize_count_status(self, *args, **kwargs) -> None:
        """Tell all wrappers where in training they are."""
        for wrapper in self.values():
            wrapper.initialize_count_status(*args, **kwargs)

    def update_params(self, loss: Tensor, step_kwargs: dict | None = None,
                      zero_kwargs: dict | None = None) -> None:
        """Run the backward pass; step, unless gradients still accumulate."""
        self.first.backward(self.first.scale_loss(loss))
        for wrapper in self.values():
            wrapper._inner_count = self.first._inner_count
        if self.first.should_update():
            for wrapper in self.values():
                wrapper.step(**step_kwargs or {})
                wrapper.zero_grad(**zero_kwargs or {})


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JointConstructor:
    """Builds an optimizer for each named part of a model.

    ``optim_wrapper = dict(constructor='JointConstructor',
    tokenizer=dict(optimizer=...), adversarial=dict(optimizer=...))``.

    Args:
        optim_wrapper_cfg: For each part (a child of the model) a wrapper's
            config, built by its ``constructor``, or TwoGroupConstructor.
        paramwise_cfg: Belongs to the parts; must be None here.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg=None) -> None:
        if paramwise_cfg is not None:
            raise ValueError('paramwise_cfg belongs to a part: '
                             'optim_wrapper=dict(part=dict(paramwise_cfg=..)).')
        self.parts = dict(optim_wrapper_cfg)

    def __call__(self, model: nn.Module) -> JointOptimWrapper:
        """Build one wrapper for each part.

        Raises:
            ValueError: A part is no child of the model, or a trainable
                parameter belongs to no part.
        """
        model = bare_model(model)
        children = dict(model.named_children())
        for name in self.parts:
            if name not in children:
                raise ValueError(
                    f"optim_wrapper names a part '{name}', but "
                    f'{type(model).__name__} has {sorted(children)}.')
        left = [name for name, p in model.named_parameters()
                if p.requires_grad and name.split('.')[0] not in self.parts]
        if left:
            raise ValueError(
                f'no optimizer in optim_wrapper for {left[:3]} and others '
                f'({len(left)} in all); add their parts.')
        return JointOptimWrapper(**{
            name: build_optim_wrapper(children[name], {
                'constructor': 'rcg.TwoGroupConstructor', **cfg})
            for name, cfg in self.parts.items()})
