"""Logged values, and their means without waiting for the device."""
import torch
from mmengine.dist import all_reduce
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
        device = max((total.device for total, _ in self._sums.values()),
                     key=lambda device: device.type != 'cpu')
        means = torch.stack([(total / count).to(device)
                             for total, count in self._sums.values()])
        all_reduce(means, 'mean')
        values = dict(zip(self._sums, means.tolist(), strict=True))
        self._sums.clear()
        return values


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
