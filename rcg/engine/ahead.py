"""What predictions begin with, drawn for many batches at a time."""
from collections.abc import Callable

import torch
from torch import nn

from rcg.engine.halving import Halving, num_rows
from rcg.engine.unwrapping import bare_model

ROWS = 256  # from here on an RDM draws few more representations a second


class Ahead:
    """Draws in large parts what batches begin with, and hands it out.

    Which rows are drawn together follows from their numbers and from how many
    there are in all. So a matrix product rounds alike in every batch size, on
    any number of processes and in a test that goes on. Memory holds the parts
    of one batch. A part that needs too much memory is halved.

    Args:
        model: Its ``draw_ahead(batch)`` returns a dict of tensors, which
            batches get, and how many numbers their streams have drawn then.
        make_batch: Rows (a range) -> a batch, as the model takes it.
        total: Rows in all.
        least: Least rows of a part; a part has less than twice as many.
    """

    def __init__(self, model: nn.Module, make_batch: Callable[[range], dict],
                 total: int, least: int = ROWS) -> None:
        self.model, self.make_batch = model, make_batch
        self.total, self.num_parts = total, max(1, total // least)
        self.halving = Halving('drawing ahead')
        self._parts: dict[int, dict] = {}

    def __call__(self, rows: range) -> dict:
        """Entries of the batch of these rows, with ``num_draws``."""
        numbers = range(self._part_of(rows.start),
                        self._part_of(rows.stop - 1) + 1)
        self._parts = {number: self._parts.get(number) or self._draw(number)
                       for number in numbers}
        pieces = []
        for number, part in self._parts.items():
            start, stop = self._start(number), self._start(number + 1)
            chosen = slice(max(rows.start, start) - start,
                           min(rows.stop, stop) - start)
            pieces.append({name: values[chosen]
                           for name, values in part.items()})
        joined = {name: torch.cat([piece[name] for piece in pieces])
                  for name in pieces[0]}
        return joined | dict(num_draws=self.num_draws)

    def _start(self, number: int) -> int:
        """First row of a part; sizes of parts differ by one at most."""
        return number * self.total // self.num_parts

    def _part_of(self, row: int) -> int:
        return ((row + 1) * self.num_parts - 1) // self.total

    def _draw(self, number: int) -> dict:
        def draw(batch: dict) -> dict:
            drawn, self.num_draws = self.model.draw_ahead(batch)
            return drawn
        rows = range(self._start(number), self._start(number + 1))
        return self.halving(draw, self.make_batch(rows))


def ahead_of_batches(runner, loader, least: int) -> Ahead | None:
    """Draw ahead for the batches of a loop, if that is possible.

    It takes a model that can, a SeedDataset and a SeedBatchSampler, whose
    batches of one process then follow each other, so that few processes need
    the same part.

    Args:
        runner: It has the model.
        loader: Gives the loop's batches.
        least: See :class:`Ahead`; none if a batch is as large, or there are
            fewer rows.
    """
    model, sampler = bare_model(runner), loader.batch_sampler
    dataset = loader.dataset
    if not (getattr(model, 'draws_ahead', False)
            and hasattr(sampler, 'num_batches')
            and hasattr(dataset, '__getitems__')):
        return None
    total = sampler.num_batches * sampler.batch_size
    if sampler.batch_size >= least or total < least:
        return None
    sampler.contiguous = True
    return Ahead(model, lambda rows: loader.collate_fn(
        dataset.__getitems__(list(rows))), total, least)


def completed(batch: dict, ahead: Ahead | None) -> dict:
    """A batch with what was drawn ahead for it."""
    if ahead is None:
        return batch
    start = int(batch['indices'][0])
    return {**batch, **ahead(range(start, start + num_rows(batch)))}
