"""Inception Score of generated images, summed as they come."""
from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.evaluation.functional.inception_score import (
    score_of_sums,
    split_of_samples,
    split_sums,
)
from rcg.evaluation.metrics.sample_metric import StreamMetric
from rcg.registry import METRICS


@METRICS.register_module()
class InceptionScore(StreamMetric):
    """Inception Score in the classes of the extractor's ``logits``.

    It keeps sums alone if it knows from the start how many samples will
    come (``num_images`` of the dataset's metainfo), and otherwise logits.
    """

    def __init__(self, extractor: dict, num_splits: int = 10,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.num_splits = num_splits

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['logits']

    def clear(self) -> None:
        super().clear()
        self.sums = torch.zeros(0, 0, dtype=torch.int64)

    def add(self, indices: Tensor, rows: Tensor) -> None:
        self.results.append((indices, rows))
        if self.size is not None:
            self._sum(self.size)

    def _sum(self, size: int) -> None:
        splits = split_of_samples(size, self.num_splits)
        while self.results:
            indices, rows = self.results.pop()
            self.add_sums(split_sums(rows, splits[indices], self.num_splits))

    def add_sums(self, sums: Tensor) -> None:
        self.sums = (sums.to(self.sums.device) + self.sums
                     if len(self.sums) else sums)

    def finish(self, size: int) -> dict[str, float]:
        self._sum(size)
        shape = torch.tensor(self.sums.shape)
        all_reduce(shape, 'max')  # a process may have no samples
        self.add_sums(self.sums.new_zeros(*shape))
        sums = self.sums.to(self.device)
        all_reduce(sums)
        mean, std = score_of_sums(sums)
        return {'is': mean, 'is_std': std}
