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
from rcg.evaluation.nearest import nearest_train
from rcg.evaluation.precision_recall import precision_recall
from rcg.evaluation.sample_metric import FrechetMetric, SampleMetric
from rcg.evaluation.ssim import structural_similarity
from rcg.evaluation.statistics import build_reference
from rcg.registry import ENCODERS, METRICS


@METRICS.register_module()
class FrechetDistance(FrechetMetric):
    """Frechet distance between images and a dataset, in feature space.

    With Inception features it is the FID (arXiv:1706.08500). Given a
    tokenizer's reconstructions it is the floor that the tokenizer sets.

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        reference: See :func:`build_reference`.
        name: Name of the result, such as 'fd' or 'fid'.
        prefix: Stands before the name, with a slash.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = None) -> None:
        self.extractor = shared_extractor(extractor)
        super().__init__(name, build_reference(reference, self.extractor),
                         prefix)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['features']


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


class FeatureMetric(SampleMetric):
    """Base of metrics that need the features of all samples at once."""
    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['features']


@METRICS.register_module()
class PrecisionRecall(FeatureMetric):
    """k-NN precision and recall against a dataset (arXiv:1904.06991).

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        reference: See :func:`build_reference`.
        k: Neighbors; 3 in the paper.
        prefix: Stands before the names ``precision`` and ``recall``.
    """

    def __init__(self, extractor: dict, reference: dict | str, k: int = 3,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor, self.k = shared_extractor(extractor), k
        self.reference = build_reference(reference, self.extractor, rows=True)

    def score(self, rows: Tensor) -> dict[str, float]:
        real = self.reference.features(self.device).to(self.device)
        precision, recall = precision_recall(real, rows.to(self.device),
                                             self.k)
        return {'precision': precision, 'recall': recall}


@METRICS.register_module()
class NearestTrain(FeatureMetric):
    """How near samples are to training images, against held-out images.

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        train: Config of the dataset that the model was trained on.
        held_out: Config of a dataset of other images of the same kind.
        prefix: Stands before the names ``near_train`` (share of the samples
            nearer to a training image than 5 % of the held-out images are)
            and ``train_distance_ratio``.
    """

    def __init__(self, extractor: dict, train: dict, held_out: dict,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.train = build_reference(train, self.extractor, rows=True)
        self.held_out = build_reference(held_out, self.extractor, rows=True)

    def score(self, rows: Tensor) -> dict[str, float]:
        train, held_out = (
            reference.features(self.device).to(self.device)
            for reference in (self.train, self.held_out))
        share, ratio = nearest_train(train, held_out, rows.to(self.device))
        return {'near_train': share, 'train_distance_ratio': ratio}


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
