"""Metrics that need the features of all samples at once."""
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.functional import resize
from torchvision.utils import make_grid

from rcg.evaluation.extractors.extractor import shared_extractor, stack_images
from rcg.evaluation.functional.distances import (
    frechet_distance,
    frechet_influence,
    kernel_distance,
)
from rcg.evaluation.functional.moments import Moments
from rcg.evaluation.functional.neighbors import (
    density_coverage,
    nearest_train,
    precision_recall,
)
from rcg.evaluation.metrics.sample_metric import SampleMetric
from rcg.evaluation.references.statistics import build_reference
from rcg.registry import METRICS

_SIDE = 96  # of the images that NearestTrain shows, in pixels
_NUM_DRAWS = 1000  # of FrechetProxy's bootstrap


class FeatureMetric(SampleMetric):
    """Base of comparisons of features with those of real images.

    Args:
        extractor, reference: Of :func:`shared_extractor`,
            :func:`build_reference`.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.reference = build_reference(reference, self.extractor, rows=True)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['features']

    def score(self, rows: Tensor) -> dict[str, float]:
        real = self.reference.features(self.device)
        return self.compare(real.to(self.device), rows.to(self.device))

    @abstractmethod
    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Results from all features, (N, D) and (M, D)."""


@METRICS.register_module()
class PrecisionRecall(FeatureMetric):
    """:func:`precision_recall` against a dataset, with k neighbors."""

    def __init__(self, extractor: dict, reference: dict | str, k: int = 3,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.k = k

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        precision, recall = precision_recall(real, fake, self.k)
        return {'precision': precision, 'recall': recall}


@METRICS.register_module()
class DensityCoverage(PrecisionRecall):
    """:func:`density_coverage` against a dataset, with k neighbors."""

    def __init__(self, extractor: dict, reference: dict | str, k: int = 5,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, k, prefix)

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        density, coverage = density_coverage(real, fake, self.k)
        return {'density': density, 'coverage': coverage}


@METRICS.register_module()
class KernelDistance(FeatureMetric):
    """:func:`kernel_distance` to a dataset; with Inception, the KID."""

    def __init__(self, extractor: dict, reference: dict | str,
                 num_subsets: int = 100, subset_size: int = 1000,
                 sigma: float | None = None, name: str = 'kid',
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.num_subsets, self.subset_size = num_subsets, subset_size
        self.sigma, self.name = sigma, name

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        mean, std = kernel_distance(fake, real, self.num_subsets,
                                    self.subset_size, self.sigma)
        return {self.name: mean, f'{self.name}_std': std}


@METRICS.register_module()
class FrechetProxy(FeatureMetric):
    """Frechet distance to as many real images, with an interval.

    The distance grows as samples become fewer, on both sides; so a fixed
    random choice of the reference, as large as the set of samples, is what
    it is compared with, and only proxies of one size are comparable.

    The interval (``_low``, ``_high``) is a bootstrap of the distance's linear
    part: drawing the rows anew and measuring again would add the bias of
    repeated rows, many times wider than the interval. 95 % of the scores of
    other seeds should lie inside, for this model and these real images.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = 'proxy') -> None:
        super().__init__(extractor, reference, prefix)
        self.name = name

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        size = len(fake)
        if len(real) < size:
            raise ValueError(
                f'a proxy of {size} samples needs as many real images, got '
                f'{len(real)}: lower num_images of the seeds, or use '
                'FrechetDistance.')
        rng = torch.Generator().manual_seed(2020)
        order = torch.randperm(len(real), generator=rng)[:size]
        ours, theirs = map(_moments, (fake, real[order.to(real.device)]))
        value = frechet_distance(*ours, *theirs)
        draws = torch.randint(size, (_NUM_DRAWS, size), generator=rng)
        changes = frechet_influence(fake, *theirs)[draws].mean(1)
        low, high = changes.quantile(changes.new_tensor([.025, .975])).tolist()
        return {self.name: value, f'{self.name}_low': max(value + low, 0.),
                f'{self.name}_high': value + high}


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    moments = Moments(rows.shape[1], rows.device)
    moments.add(rows)
    return moments.mean_and_covariance()


@METRICS.register_module()
class NearestTrain(FeatureMetric):
    """How near samples are to training images: :func:`nearest_train`.

    Args:
        extractor: Config; an encoder will do.
        train, held_out: References to the images that the model was trained
            on, and to others of the same kind.
        num_pairs: How many of the closest pairs to show, samples left,
            training images right. SampleGridHook writes the ``picture``
            (3, H, W), uint8, of the last evaluation.
    """

    def __init__(self, extractor: dict, train: dict | str,
                 held_out: dict | str, num_pairs: int = 0,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, train, prefix)
        self.held_out = build_reference(held_out, self.extractor, rows=True)
        self._num_pairs, self.picture = num_pairs, None
        if num_pairs and not hasattr(self.reference, 'dataset'):
            raise ValueError('num_pairs needs images to show, and train is a '
                             'file of statistics: give a dataset or folder.')

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        rows = super().rows(data_samples)
        if not self._num_pairs:
            return rows
        # A small image's bytes go with its features, as four in a float.
        images = _small(stack_images(data_samples)).flatten(1)
        return torch.cat([rows, images.view(torch.float32)], 1)

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        held_out = self.held_out.features(self.device).to(self.device)
        dim = real.shape[1]
        share, ratio, pairs = nearest_train(real, held_out, fake[:, :dim])
        if self._num_pairs:
            dataset, pairs = self.reference.dataset, pairs[:self._num_pairs]
            train = _small(torch.stack([dataset[place]['images']
                                        for place in pairs[:, 1].tolist()]))
            ours = fake.cpu()[pairs[:, 0], dim:].contiguous()
            ours = ours.view(torch.uint8).view(train.shape)
            self.picture = make_grid(torch.cat([ours, train], 3), nrow=4,
                                     pad_value=255)
        return {'near_train': share, 'train_distance_ratio': ratio}


def _small(images: Tensor) -> Tensor:  # square, a multiple of 4 bytes
    side = min(_SIDE, *images.shape[2:]) // 2 * 2
    return resize(images, [side, side], antialias=True)
