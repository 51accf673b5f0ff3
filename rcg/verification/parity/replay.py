"""Random numbers from a stored run, in place of new ones."""
from collections.abc import Iterable

import torch
from torch import Tensor

from rcg.rng import SampleRng


class ReplayRng(SampleRng):
    """Returns stored draws in their order.

    Args:
        batch_size: Number of streams.
        draws: Tensors by the method that returns them: ``normal``,
            ``uniform``, ``randint``, ``gumbel`` or ``categorical``.

    Raises:
        ValueError: No stored draw is left, or the next has another shape.
    """

    def __init__(self, batch_size: int, **draws: Iterable[Tensor]) -> None:
        super().__init__(torch.zeros(batch_size, 2, dtype=torch.int64))
        self.draws = {kind: iter(list(some)) for kind, some in draws.items()}

    def _next(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        drawn = next(self.draws.get(kind, iter(())), None)
        if drawn is None:
            raise ValueError(f'no stored {kind} draw is left.')
        if drawn.shape != (len(self), *shape):
            raise ValueError(
                f'the next stored {kind} draw is {tuple(drawn.shape)}, but '
                f'{(len(self), *shape)} is asked for.')
        return drawn

    def normal(self, *shape: int) -> Tensor:
        return self._next('normal', shape)

    def uniform(self, *shape: int) -> Tensor:
        return self._next('uniform', shape)

    def gumbel(self, *shape: int) -> Tensor:
        return self._next('gumbel', shape)

    def randint(self, high: int, *shape: int) -> Tensor:
        return self._next('randint', shape)

    def categorical(self, logits: Tensor) -> Tensor:
        return self._next('categorical', logits.shape[1:-1])
