import math

import pytest
import torch

from rcg.evaluation import density_coverage
from rcg.evaluation.functional import neighbors


def points(*xs):
    return torch.tensor([[float(x), 0.] for x in xs])


def test_by_hand():
    real = points(0, 1, 2, 10)  # radii to the first neighbor: 1, 1, 1, 8
    # 2.5 lies in the balls of 2 and 10, 3.5 and 4 in that of 10, 30 in none.
    density, coverage = density_coverage(real, points(2.5, 3.5, 4, 30), 1)
    assert density == 4 / 4
    assert coverage == 2 / 4


def test_equal_distributions():
    density, coverage = density_coverage(torch.randn(2000, 4),
                                         torch.randn(2000, 4))
    assert density == pytest.approx(1, abs=.1)
    assert coverage == pytest.approx(1 - 2**-5, abs=.02)


def test_outliers_among_the_samples_cover_nothing():
    real = torch.randn(200, 3)
    fake = torch.cat([torch.randn(100, 3), torch.randn(100, 3) * 1000])
    clean, noisy = (density_coverage(real, rows)
                    for rows in (fake[:100], fake))
    assert noisy == (pytest.approx(clean[0] / 2), clean[1])


def test_blocks_do_not_matter(monkeypatch):
    real, fake = torch.randn(50, 3), torch.randn(60, 3) * 1.5
    whole = density_coverage(real, fake)
    monkeypatch.setattr(neighbors, '_BLOCK', 7)
    assert density_coverage(real, fake) == whole


def test_refuses_what_has_no_neighbors():
    rows = torch.randn(4, 2)
    with pytest.raises(ValueError, match='from 1 to 3 for 4 real and 4'):
        density_coverage(rows, rows, 4)
    with pytest.raises(ValueError, match='at least 1'):
        density_coverage(rows, rows[:0], 1)
    with pytest.raises(ValueError, match='NaN'):
        density_coverage(rows, rows * math.nan, 1)
