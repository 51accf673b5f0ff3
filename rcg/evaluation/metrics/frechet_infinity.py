"""Frechet distance without the bias of few images."""
from mmengine.logging import print_log
from torch import Tensor

from rcg.evaluation.functional.extrapolation import (
    frechet_infinity,
    least_rows,
)
from rcg.evaluation.metrics.feature_metric import FeatureMetric
from rcg.evaluation.references.build import build_reference
from rcg.registry import METRICS


@METRICS.register_module()
class FrechetInfinity(FeatureMetric):
    """:func:`frechet_infinity` to a reference: few images, no bias.

    The plain distance to few hundred held-out images is mostly a price for
    their number, which all models pay alike. This estimate says what is left.
    With too few images for it, nothing is reported but a warning.

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        name: Of the result.
        real: Other real images, as ``reference``. Their own estimate is
            reported as the name with '_real': how far two sets of real
            images are apart for this extractor, whatever their number.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd_infinity', prefix: str | None = None,
                 real: dict | str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.name, self.real, self.reports = name, None, (name, )
        if real is not None:
            self.real = build_reference(real, self.extractor, rows=True)
            self.reports = name, f'{name}_real'

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        sets = {self.name: fake}
        if self.real is not None:
            sets[f'{self.name}_real'] = self.real.features(self.device)
        least = least_rows(real.shape[1])
        fewest = min(map(len, (real, *sets.values())))
        if fewest < least:
            print_log(f'{self.name}: not reported, since it needs at least '
                      f'{least} images of each kind for features of '
                      f'{real.shape[1]} numbers, and there are {fewest}.',
                      'current', 30)
            return {}
        return {name: frechet_infinity(rows.to(real.device), real)
                for name, rows in sets.items()}
