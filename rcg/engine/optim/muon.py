"""Muon: momentum that is made orthogonal, for the matrices of hidden layers.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks",
2024; its scale is that of arXiv:2502.16982.
"""
import logging
from collections.abc import Callable, Iterable

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw

from rcg.engine.shards import is_shard
from rcg.registry import OPTIMIZERS

# Of the polynomial that Muon iterates: after five times, all singular values
# between 0.003 and 1 are between 0.68 and 1.21.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, num_steps: int = 5) -> Tensor:
    """Bring the singular values of matrices near 1, keep their vectors.

    It is a Newton-Schulz iteration: matrix products alone, in bfloat16 on a
    GPU, in float32 on a CPU.

    Args:
        matrices (B, m, n): Of any scale. A matrix of zeros stays one.
        num_steps: Of the iteration.

    Returns:
        (B, m, n), in the type of ``matrices``.
    """
    a, b, c = _COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:  # the smaller product
        x = x.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(num_steps):
        gram = x @ x.mT  # (B, m, m)
        gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, gram, x, beta=a)
    return (x.mT if is_tall else x).to(matrices.dtype)


def hidden_matrices(model: nn.Module) -> set[Tensor]:
    """Weights of linear layers in the blocks of a network.

    Blocks are what a ``nn.ModuleList`` holds. The first and the last layer of
    a network, which are outside of them, are better off with AdamW.
    """
    return {layer.weight for blocks in model.modules()
            if isinstance(blocks, nn.ModuleList)
            for layer in blocks.modules() if isinstance(layer, nn.Linear)}


@OPTIMIZERS.register_module()
class MuonAdamW(Optimizer):
    """Muon for groups with ``muon=True``, AdamW for all others.

    :class:`TwoGroupConstructor` makes the groups by :func:`hidden_matrices`.
    The update of a matrix has a root mean square of about ``rms``, as that of
    AdamW has, so both share learning rate, schedule and weight decay
    (arXiv:2502.16982, section 2.2). PyTorch's Muon takes nothing but
    matrices, one after the other, and always multiplies in bfloat16, which
    many a CPU lacks.

    A step costs more than AdamW's: five times three products of each matrix.
    For batches of many tokens that is little.

    Args:
        params: Parameters or groups.
        lr, betas, eps, weight_decay: As in AdamW; the first and the last
            also of Muon.
        momentum: Of Muon, in [0, 1); Nesterov's.
        rms: See above.

    Raises:
        ValueError: A setting is out of range, or a group with ``muon=True``
            holds what is no matrix, or a part of one.
    """

    def __init__(self, params: Iterable, lr: float = 1e-3,
                 betas: tuple[float, float] = (.9, .95), eps: float = 1e-8,
                 weight_decay: float = 0., momentum: float = .95,
                 rms: float = .2) -> None:
        if lr < 0 or weight_decay < 0 or eps < 0 or rms <= 0:
            raise ValueError('lr, weight_decay and eps must not be negative '
                             f'and rms be positive, got lr={lr}, weight_decay'
                             f'={weight_decay}, eps={eps}, rms={rms}.')
        if not all(0 <= beta < 1 for beta in (*betas, momentum)):
            raise ValueError('betas and momentum must be in [0, 1), got '
                             f'{betas} and {momentum}.')
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            momentum=momentum, rms=rms, muon=False, fused=True))
        if not any(group['muon'] for group in self.param_groups):
            print_log(
                'MuonAdamW has no group with muon=True, so AdamW updates '
                "everything. constructor='TwoGroupConstructor' makes such a "
                'group, if a network has linear layers in blocks.',
                logger='current', level=logging.WARNING)

    def add_param_group(self, param_group: dict) -> None:
        """Add a group; see the class for what raises."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        wrong = [tuple(p.shape) for p in group['params']
                 if group['muon'] and (p.ndim != 2 or is_shard(p))]
        if wrong:
            raise ValueError(
                'Muon needs whole matrices, got a parameter of the shape '
                f'{wrong[0]}, or a shard of it; use AdamW.')

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """Take a step; return what the closure returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        flag = getattr(self, 'found_inf', None)
        for group in self.param_groups:
            params = [p for p in group['params'] if p.grad is not None]
            if params:
                update = self._muon if group['muon'] else self._adamw
                update(params, group, flag)
        return loss

    def _muon(self, params: list[Tensor], group: dict,
              flag: Tensor | None) -> None:
        old = [self._state(p, 'momentum') for p in params]
        grads = [p.grad for p in params]
        momenta = torch._foreach_lerp(old, grads, 1 - group['momentum'])
        updates = torch._foreach_lerp(grads, momenta, group['momentum'])
        decay = 1 - group['lr'] * group['weight_decay']
        if flag is not None:  # all stays as it is, and the host does not wait
            bad = flag > 0
            momenta = [torch.where(bad, *pair)
                       for pair in zip(old, momenta, strict=True)]
            updates = [torch.where(bad, 0., update) for update in updates]
            decay = torch.where(bad, 1., decay)
        torch._foreach_copy_(old, momenta)
        torch._foreach_mul_(params, decay)
        by_shape: dict[tuple, list[int]] = {}
        for i, p in enumerate(params):
            by_shape.setdefault(p.shape, []).append(i)
        for shape, members in by_shape.items():
            matrices = orthogonalize(torch.stack(
                [updates[i] for i in members]))
            # An orthogonal matrix (m, n) has a mean square of 1 / max(m, n).
            torch._foreach_add_(
                [params[i] for i in members], list(matrices),
                alpha=-group['lr'] * group['rms'] * max(shape)**.5)

    def _adamw(self, params: list[Tensor], group: dict,
               flag: Tensor | None) -> None:
        for p in params:
            if 'step' not in self.state[p]:
                self.state[p]['step'] = torch.zeros(
                    (), dtype=torch.float32, device=p.device)
        adamw(params, [p.grad for p in params],
              [self._state(p, 'exp_avg') for p in params],
              [self._state(p, 'exp_avg_sq') for p in params], [],
              [self.state[p]['step'] for p in params], fused=True,
              amsgrad=False, beta1=group['betas'][0], beta2=group['betas'][1],
              lr=group['lr'], weight_decay=group['weight_decay'],
              eps=group['eps'], maximize=False, found_inf=flag)

    def _state(self, p: Tensor, name: str) -> Tensor:
        state = self.state[p]
        if name not in state:
            state[name] = torch.zeros_like(p)
        return state[name]
