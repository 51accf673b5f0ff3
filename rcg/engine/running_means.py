"""Logged values, and their means without waiting for the device."""
import math

import torch
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from torch import Tensor

from rcg.engine.optim import single_wrappers


class RunningMeans:
    """Means of scalars that stay on the device until they are asked for."""

    def __init__(self) -> None:
        # Sum and number of values.
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, values: dict[str, Tensor]) -> None:
        """Add one value (a scalar) for each name."""
        for name, value in values.items():
            total, count = self._sums.get(name, (0., 0))
            self._sums[name] = total + value.detach().float(), count + 1

    def fetch(self) -> dict[str, float]:
        """Means since the last call, over all processes.

        The host waits for the device, once for all values.
        """
        if not self._sums:
            return {}
        means = self._stack([total / count
                             for total, count in self._sums.values()])
        all_reduce(means, 'mean')
        values = dict(zip(self._sums, means.tolist(), strict=True))
        self._sums.clear()
        return values

    def state(self) -> dict[str, list]:
        """What a checkpoint keeps; all processes must ask for it.

        The host waits for the device. What is not finite is left out.

        Returns:
            ``names``, ``counts``, and ``sums``, a list for each process.
        """
        if not self._sums:
            return dict(names=[], counts=[], sums=[])
        totals = self._stack([total for total, _ in self._sums.values()])
        sums = [one.tolist() for one in all_gather(totals)]
        kept = [i for i, column in enumerate(zip(*sums, strict=True))
                if all(map(math.isfinite, column))]
        names = list(self._sums)
        return dict(names=[names[i] for i in kept],
                    counts=[self._sums[names[i]][1] for i in kept],
                    sums=[[one[i] for i in kept] for one in sums])

    def load_state(self, state: dict[str, list]) -> None:
        """Go on with the means of a :meth:`state` of as many processes."""
        self._sums.clear()
        if len(state['sums']) == get_world_size():
            self._sums = {
                name: (torch.tensor(total), count) for name, total, count in
                zip(state['names'], state['sums'][get_rank()],
                    state['counts'], strict=True)}

    def _stack(self, values: list[Tensor]) -> Tensor:
        """Scalars in one tensor, on a GPU if one is there."""
        device = max((value.device for value in values),
                     key=lambda device: device.type != 'cpu')
        return torch.stack([value.to(device) for value in values])


def logged_values(outputs: dict | None, optim_wrapper) -> dict:
    """What an iteration of training has to log, by name.

    Args:
        outputs: Of ``model.train_step``.
        optim_wrapper: The norms of gradients that it clips in this iteration
            are added, as 'grad_norm' or, for one of several optimizers,
            '<name>.grad_norm'.
    """
    norms = {f'{part}.grad_norm'.lstrip('.'): wrapper.grad_norm
             for part, wrapper in single_wrappers(optim_wrapper).items()
             if getattr(wrapper, 'grad_norm', None) is not None
             and wrapper.should_update()}
    return {**(outputs or {}), **norms}
