"""Mixed precision, parameter groups, learning rate from the batch."""
import contextlib

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import nn

from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Forward and loss under autocast, on a CPU as on a GPU.

    bfloat16 has the range of float32, so nothing is scaled. For float16 on
    a GPU use MMEngine's ``AmpOptimWrapper``, which scales the loss.

    Args:
        dtype: 'bfloat16', or 'float32' for no autocast.
        **kwargs: See MMEngine's ``OptimWrapper``: ``optimizer``,
            ``accumulative_counts``, ``clip_grad``.

    Attributes:
        grad_norm: Norm before the last clipping, a tensor on the device
            (to fetch it each step would make the host wait); None before.
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
                device, dtype=torch.bfloat16,
                enabled=self.dtype == torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        parameters = [
            p for group in self.optimizer.param_groups
            for p in group['params'] if p.grad is not None
        ]
        if parameters:
            self.grad_norm = self.clip_func(parameters,
                                            **self.clip_grad_kwargs)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TwoGroupConstructor:
    """Trainable parameters in two groups: without and with weight decay.

    No decay: vectors and scalars (fewer than two axes), names that end in
    ``.bias``, and those listed. Two groups, not one per parameter, so that
    the fused and foreach optimizers work on long lists.

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper.
        paramwise_cfg: Optionally ``dict(no_decay=[...])``: full names of
            parameters, or their last components ('class_token').
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: dict | None = None) -> None:
        self.wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.wrapper_cfg.pop('optimizer'))
        extra = dict(paramwise_cfg or {})
        self.no_decay = list(extra.pop('no_decay', []))
        if extra:
            raise ValueError('paramwise_cfg of TwoGroupConstructor may hold '
                             f'no_decay only, got {sorted(extra)}.')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer and its wrapper."""
        if is_model_wrapper(model):
            model = model.module
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
            ValueError: Nothing is trainable, or a name in ``no_decay`` fits
                no trainable parameter.
        """
        trainable = {name: p for name, p in model.named_parameters()
                     if p.requires_grad}
        if not trainable:
            raise ValueError(f'{type(model).__name__} has no trainable '
                             'parameter; nothing can be learned.')
        for listed in self.no_decay:
            if not any(_fits(name, listed) for name in trainable):
                raise ValueError(f"no_decay names '{listed}', but no "
                                 'trainable parameter is called so.')
        plain = {name for name, p in trainable.items()
                 if p.ndim < 2 or name.endswith('.bias')
                 or any(_fits(name, listed) for listed in self.no_decay)}
        halves = (([p for n, p in trainable.items() if n in plain], 0.),
                  ([p for n, p in trainable.items() if n not in plain],
                   weight_decay))
        return [{'params': members, 'weight_decay': decay}
                for members, decay in halves if members]


def _fits(name: str, listed: str) -> bool:
    return name == listed or name.endswith('.' + listed)


def resolve_lr(cfg: dict, batch_size: int, world_size: int) -> list[str]:
    """Replace ``base_lr`` by ``lr`` in a wrapper config, in place.

    ``lr = base_lr * effective batch / 256``, the linear scaling rule of
    arXiv:1706.02677, where the effective batch counts all samples of one
    optimizer step: batch size, processes, accumulated micro-batches.

    Args:
        cfg: An optimizer wrapper, or a dict that holds several.

    Returns:
        One line of explanation for each learning rate that was computed.

    Raises:
        ValueError: Both ``lr`` and ``base_lr`` are given.
    """
    if 'optimizer' not in cfg:
        return [line for value in cfg.values() if isinstance(value, dict)
                for line in resolve_lr(value, batch_size, world_size)]
    optimizer = cfg['optimizer']
    if not isinstance(optimizer, dict) or 'base_lr' not in optimizer:
        return []
    if 'lr' in optimizer:
        raise ValueError(
            f"the optimizer has both lr={optimizer['lr']} and base_lr="
            f"{optimizer['base_lr']}; delete one (a config that inherits an "
            'lr can set optimizer=dict(_delete_=True, ...)).')
    steps = cfg.get('accumulative_counts', 1)
    effective = batch_size * world_size * steps
    base_lr = optimizer.pop('base_lr')
    optimizer['lr'] = base_lr * effective / 256
    return [f"learning rate {optimizer['lr']:.4g} = {base_lr:g} x {effective}"
            f' / 256 (batch {batch_size} x {world_size} processes x {steps} '
            'accumulated)']
