"""Metrics of generated samples, for MMEngine's evaluators.

Results are the same floats for any number of processes, if the sampler gives
batches of fixed composition (:class:`rcg.datasets.SeedBatchSampler`). Metrics
whose extractors have equal configs share one network and one pass.
"""
from collections.abc import Sequence

from torch import Tensor

from rcg.evaluation.extractors.extractor import (
    shared_extractor,
    stack_rows,
)
from rcg.evaluation.metrics.sample_metric import FrechetMetric
from rcg.evaluation.references.statistics import build_reference
from rcg.registry import ENCODERS, METRICS


@METRICS.register_module()
class FrechetDistance(FrechetMetric):
    """Frechet distance between images and a dataset, in feature space.

    With Inception features it is the FID (arXiv:1706.08500), with its spatial
    features the sFID (arXiv:2103.03841), with DINOv2 the FD-DINOv2. Given a
    tokenizer's reconstructions it is the floor that the tokenizer sets.

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        reference: See :func:`build_reference`.
        feature: Output of the extractor: 'features', or 'spatial'.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', feature: str = 'features',
                 prefix: str | None = None) -> None:
        self.extractor, self.feature = shared_extractor(extractor), feature
        super().__init__(name, build_reference(reference, self.extractor,
                                               feature), prefix)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)[self.feature]


@METRICS.register_module()
class RepresentationFrechetDistance(FrechetMetric):
    """Frechet distance between generated representations and an encoder's.

    The loss of a representation diffuser says little about its samples; this
    distance does (RCG, arXiv:2312.03701, table 8).
    """
    default_prefix = 'representation'

    def __init__(self, encoder: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = None) -> None:
        self.encoder = shared_extractor(encoder, ENCODERS)
        super().__init__(name, build_reference(reference, self.encoder),
                         prefix)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return stack_rows(data_samples, 'representations').float()
