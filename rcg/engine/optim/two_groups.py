"""Weight decay for some parameters and not for others."""
from mmengine.optim import OptimWrapper
from torch import Tensor, nn, optim

from rcg.engine.optim.muon import MuonAdamW, hidden_matrices
from rcg.engine.unwrapping import bare_model
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TwoGroupConstructor:
    """Builds an optimizer with two groups: without and with weight decay.

    Parameters do not decay if they have fewer than two axes, if they are
    named ``.bias``, or if they are listed. MMEngine makes a group of each
    parameter; fused and foreach optimizers are faster on two long groups.
    For :class:`MuonAdamW` the matrices of hidden layers are a third one.

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
                             f'only no_decay, got {sorted(extra)}.')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer and its wrapper."""
        model = bare_model(model)
        cfg = self.optimizer_cfg
        cfg['params'] = self.groups(model, cfg.get('weight_decay', 0.))
        optimizer = OPTIMIZERS.class_of(cfg)
        if isinstance(optimizer, type) and issubclass(optimizer, MuonAdamW):
            cfg['params'] = _split(cfg['params'], hidden_matrices(model))
        if optimizer in (optim.Adam, optim.AdamW) and not (
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
                                 'trainable parameter has that name.')
        ends = tuple(f'.{listed}' for listed in ('bias', *self.no_decay))
        fixed, decaying = [], []
        for name, p in trainable.items():
            decays = p.ndim > 1 and not name.endswith(ends)
            (decaying if decays else fixed).append(p)
        groups = [dict(params=fixed, weight_decay=0.),
                  dict(params=decaying, weight_decay=weight_decay)]
        return [group for group in groups if group['params']]


def _split(groups: list[dict], matrices: set[Tensor]) -> list[dict]:
    """The groups, and those of their members that Muon updates."""
    split = []
    for group in groups:
        for muon in (False, True):
            params = [p for p in group['params'] if (p in matrices) == muon]
            if params:
                split.append(dict(group, params=params, muon=muon))
    return split
