"""Frechet distances of images and of representations, from exact sums."""
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor

from rcg.evaluation.data_samples import stack_rows
from rcg.evaluation.extractors.extractor import (
    as_vectors,
    shared_extractor,
)
from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.functional.moments import Moments
from rcg.evaluation.metrics.sum_metric import SumMetric
from rcg.evaluation.references.build import build_reference
from rcg.evaluation.references.reference import Reference
from rcg.registry import ENCODERS, METRICS


class _MomentsMetric(SumMetric):
    """Frechet distance of rows from a reference, under a name.

    Given other real images as well, it reports their distance, too.
    """

    def __init__(self, name: str, reference: Reference, prefix: str | None,
                 real: Reference | None) -> None:
        super().__init__(prefix)
        self.name, self.reference, self.real = name, reference, real
        self.reports = (name, ) if real is None else (name, f'{name}_real')

    def clear(self) -> None:
        super().clear()
        self._moments: Moments | None = None

    @property
    def sums(self) -> Tensor:
        if self._moments is None:
            return torch.zeros(0, 0, 0, 0, dtype=torch.float64)
        return self._moments.sums

    def add(self, indices: Tensor, rows: Tensor, size: int | None) -> None:
        if self._moments is None:
            self.reference.check(rows.shape[1])
            self._moments = Moments(rows.shape[1], rows.device)
        self._moments.add(rows)

    def merge(self, sums: Tensor) -> None:
        if self._moments is None:
            self._moments = Moments(sums.shape[-1] - 1, sums.device)
        self._moments.merge(sums)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        moments = Moments.from_sums(results)
        mean, covariance = moments.mean_and_covariance()
        if moments.count <= len(mean):
            print_log(f'{self.name}: {moments.count} samples say little about '
                      f'{len(mean)} features; their covariance is singular '
                      'and the distance much too large. Take more samples, '
                      'or compare equal numbers only.', 'current', 30)
        theirs = self.reference.moments(self.device)
        found = {self.name: frechet_distance(mean, covariance, *theirs)}
        if self.real is not None:
            found[f'{self.name}_real'] = frechet_distance(
                *self.real.moments(self.device), *theirs)
        return found


@METRICS.register_module()
class FrechetDistance(_MomentsMetric):
    """Frechet distance between images and a dataset, in feature space.

    With Inception features it is the FID (arXiv:1706.08500), with its spatial
    features the sFID (arXiv:2103.03841), with DINOv2 the FD-DINOv2. Given a
    tokenizer's reconstructions it is the floor that the tokenizer sets.

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        reference: See :func:`build_reference`.
        name: Of the result.
        feature: Output of the extractor: 'features', or 'spatial'.
        prefix: Before the name.
        real: Other real images, as ``reference``. Their own distance from
            it is reported as the name with '_real': with few references it
            is far from 0, and no samples can be expected below it.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', feature: str = 'features',
                 prefix: str | None = None,
                 real: dict | str | None = None) -> None:
        shared = shared_extractor(extractor)
        super().__init__(
            name, build_reference(reference, shared, feature), prefix,
            real and build_reference(real, shared, feature))
        self.extractor, self.feature = shared, feature

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)[self.feature]


@METRICS.register_module()
class RepresentationFrechetDistance(_MomentsMetric):
    """Frechet distance between generated representations and an encoder's.

    The loss of a representation diffuser says little about its samples; this
    distance does (RCG, arXiv:2312.03701, table 8). It is one of the encoder's
    :meth:`~rcg.models.encoders.Encoder.vectors`.

    Args:
        encoder: Config, with ``checkpoint``.
        reference: See :func:`build_reference`.
        name: Of the result.
        prefix: Before the name.
        real: Other real images, as in :class:`FrechetDistance`: what their
            representations score is the floor.
    """
    default_prefix = 'representation'

    def __init__(self, encoder: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = None,
                 real: dict | str | None = None) -> None:
        shared = shared_extractor(encoder, ENCODERS)
        super().__init__(name, build_reference(reference, shared), prefix,
                         real and build_reference(real, shared))
        self.encoder = shared

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return as_vectors(self.encoder.module,
                          stack_rows(data_samples, 'representations'))
