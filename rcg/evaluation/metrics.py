"""Metrics of generated samples, for MMEngine's evaluators.

Results are the same floats for any number of processes, if the sampler gives
batches of fixed composition (:class:`rcg.datasets.SeedBatchSampler`). Metrics
whose extractors have equal configs share one network and one pass.
"""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.registry import ENCODERS, METRICS

from .features import shared_extractor, stack_images, stack_rows
from .neighbors import knn_accuracy
from .sample_metric import FrechetMetric, SampleMetric
from .statistics import build_reference


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


@METRICS.register_module()
class ReconstructionError(SampleMetric):
    """Peak signal-to-noise ratio of reconstructions, in dB, at most 100.

    From the mean squared error over all pixels of all images.
    """
    default_prefix = 'reconstruction'

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        images, originals = stack_pairs(data_samples)
        # Integers: the order of their sum does not matter.
        error = (images.long() - originals.long()).square().flatten(1)
        return torch.stack([error.sum(1), torch.ones_like(error).sum(1)], 1)

    def score(self, rows: Tensor) -> dict[str, float]:
        error, pixels = rows.sum(0).double()
        mse = error / pixels / 255**2
        return {'psnr': -10 * mse.clamp(min=1e-10).log10().item()}


def stack_pairs(data_samples: Sequence[dict]) -> tuple[Tensor, Tensor]:
    """Reconstructions and originals, uint8 (N, 3, H, W) each."""
    images = stack_images(data_samples, 'images')
    originals = stack_images(data_samples, 'originals')
    if images.shape != originals.shape:
        raise ValueError(
            'reconstructions must have the size of the originals, got '
            f'{tuple(images.shape[1:])} for {tuple(originals.shape[1:])}.')
    return images, originals


@METRICS.register_module()
class Accuracy(SampleMetric):
    """Share of the samples that a classifier gets right, in percent."""
    default_prefix = 'classifier'

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return stack_rows(data_samples, 'correct').view(-1, 1).float()

    def score(self, rows: Tensor) -> dict[str, float]:
        return {'accuracy': 100 * rows.double().mean().item()}


@METRICS.register_module()
class KNNAccuracy(SampleMetric):
    """:func:`knn_accuracy` of representations, in percent."""
    default_prefix = 'representation'

    def __init__(self, k: int = 5, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.k = k

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        rows = stack_rows(data_samples, 'representations').float()
        labels = stack_rows(data_samples, 'labels').to(rows)  # below 2^24
        return torch.cat([rows, labels[:, None]], 1)

    def score(self, rows: Tensor) -> dict[str, float]:
        accuracy = knn_accuracy(rows[:, :-1], rows[:, -1].long(), self.k)
        return {'knn_accuracy': 100 * accuracy}
