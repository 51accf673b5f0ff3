"""Metrics of generated samples, for MMEngine's evaluators.

Every metric gives plain floats that are the same for any number of
processes, provided that the sampler gives batches of fixed composition
(:class:`rcg.datasets.SeedBatchSampler`). Metrics whose extractors have equal
configs share one network and one pass over each batch.
"""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.features import (
    shared_extractor,
    stack_images,
    stack_rows,
)
from rcg.evaluation.sample_metric import FrechetMetric, SampleMetric
from rcg.evaluation.ssim import structural_similarity
from rcg.evaluation.statistics import build_reference
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
        name: Name of the result, such as 'fd' or 'fid'.
        feature: Output of the extractor: 'features', or 'spatial'.
        prefix: Stands before the name, with a slash.
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

    Args:
        encoder: Config of the encoder, with ``checkpoint``.
        reference: See :func:`build_reference`.
        name: Name of the result.
        prefix: Stands before the name, with a slash.
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
    """Peak signal-to-noise ratio of reconstructions, in dB.

    From the squared error over all pixels of all images, of ``images``
    against ``originals``, both uint8. At most 100, which stands for equality.
    """
    default_prefix = 'reconstruction'

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        images, originals = _pairs(data_samples)
        # Integers: their sum does not depend on its order.
        error = (images.long() - originals.long()).square().flatten(1)
        pixels = torch.full((len(error),), error.shape[1],
                            device=error.device)
        return torch.stack([error.sum(1), pixels], 1)  # (N, 2)

    def score(self, rows: Tensor) -> dict[str, float]:
        error, pixels = rows.sum(0).double()
        mse = error / pixels / 255**2
        return {'psnr': -10 * mse.clamp(min=1e-10).log10().item()}


@METRICS.register_module()
class StructuralSimilarity(SampleMetric):
    """Mean SSIM of reconstructions; see :func:`structural_similarity`.

    Of ``images`` against ``originals``, both uint8. At most 1.
    """
    default_prefix = 'reconstruction'

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return structural_similarity(*_pairs(data_samples))[:, None]

    def score(self, rows: Tensor) -> dict[str, float]:
        return {'ssim': rows.mean().item()}


def _pairs(data_samples: Sequence[dict]) -> tuple[Tensor, Tensor]:
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
