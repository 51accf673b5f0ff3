"""Colors of reconstructions and of samples."""
import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.data_samples import stack_images
from rcg.evaluation.functional.color import (
    HUES,
    color_counts,
    color_errors,
    color_histogram,
    histogram_distance,
    kept_hues,
)
from rcg.evaluation.metrics.reconstruction import stack_pairs
from rcg.evaluation.metrics.sum_metric import IntegerSumMetric
from rcg.registry import DATASETS, METRICS

_UNIT = 1e6  # of errors, which are summed as integers


@METRICS.register_module()
class ColorError(IntegerSumMetric):
    """Colors of reconstructions; see :mod:`rcg.evaluation.functional.color`.

    ``color_error`` is the mean distance in CIELAB without lightness.
    ``hue_kept/NAME``, for each hue that 0.2 % of the pixels or more have, is
    the share of these pixels that keep it. ``hue_kept`` is that of the worst
    hue; without any, 1. ``color_distance`` is the total variation of the
    histograms of all originals and of all reconstructions.
    """
    default_prefix = 'reconstruction'
    reports = ('color_error', 'hue_kept', 'color_distance')
    min_share = .002

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        images, originals = stack_pairs(data_samples)
        errors = (color_errors(originals, images) * _UNIT).round().long()
        pixels = torch.full_like(errors, originals[0, 0].numel())
        return torch.cat([
            torch.ones_like(errors)[:, None], errors[:, None],
            pixels[:, None], *kept_hues(originals, images),
            color_counts(originals), color_counts(images)], 1)

    def add(self, indices: Tensor, rows: Tensor, size: int | None) -> None:
        self.merge(rows.sum(0))

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        results = results.cpu().double()
        images, error, pixels = results[:3].tolist()
        width = 3 + 2 * len(HUES)
        counts, kept = results[3:width].chunk(2)
        before, after = (results[width:] / pixels).chunk(2)
        found = {'color_error': error / _UNIT / images, 'hue_kept': 1.,
                 'color_distance': histogram_distance(before, after)}
        for name, count, good in zip(HUES, counts, kept, strict=True):
            if count > 0 and count >= self.min_share * pixels:
                share = (good / count).item()
                found[f'hue_kept/{name}'] = share
                found['hue_kept'] = min(found['hue_kept'], share)
        return found


@METRICS.register_module()
class ColorDistance(IntegerSumMetric):
    """How far the colors of samples are from those of real images.

    ``color_distance`` is the total variation of their histograms, in [0, 1]:
    the share of the pixels that must change their color.

    Args:
        reference: Config of a dataset of ours, of real images of the size of
            the samples. It is read once, in each process.
        real: Other real images, likewise. Their own distance is reported as
            ``color_distance_real``; no samples can be expected below it.
        prefix: Before the names.
    """

    def __init__(self, reference: dict, real: dict | None = None,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.configs = [dict(part) for part in (reference, real) if part]
        self.reports = ('color_distance', 'color_distance_real')[
            :len(self.configs)]

    @functools.cached_property
    def histograms(self) -> list[Tensor]:
        """Share of the pixels in each cell, (512,), of each dataset."""
        found = []
        for config in self.configs:
            dataset = DATASETS.build(config)
            shares = sum(color_histogram(dataset[i]['images'][None])
                         for i in range(len(dataset)))
            found.append(shares / len(dataset))
        return found

    def describe(self) -> dict:
        names = [config.get('split') or config.get('data_root')
                 or config['type'] for config in self.configs]
        return super().describe() | dict(colors_of=names)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return color_counts(stack_images(data_samples))

    def add(self, indices: Tensor, rows: Tensor, size: int | None) -> None:
        self.merge(rows.sum(0))

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        counts = results.cpu().double()
        reference, *others = self.histograms
        return {name: histogram_distance(reference, histogram)
                for name, histogram in zip(
                    self.reports, [counts / counts.sum(), *others],
                    strict=True)}
