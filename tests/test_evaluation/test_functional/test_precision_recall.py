import math

import pytest
import torch

from rcg.evaluation import precision_recall
from rcg.evaluation.functional import neighbors
from rcg.evaluation.functional.neighbors import kth_neighbor_distance, nearest


def points(*xs):
    return torch.tensor([[float(x), 0.] for x in xs])


def test_kth_neighbor_is_never_the_point_itself():
    rows = points(0, 1, 3, 10)
    assert kth_neighbor_distance(rows, 1).tolist() == [1, 1, 2, 7]
    assert kth_neighbor_distance(rows, 2).tolist() == [3, 2, 3, 9]
    assert kth_neighbor_distance(points(2, 2, 5), 1).tolist() == [0, 0, 3]


def test_by_hand():
    real = points(0, 1, 2, 10)  # radii to the first neighbor: 1, 1, 1, 8
    fake = points(2.5, 3.5, 4, 30)  # radii: 1, .5, .5, 26
    # On the real manifold: 2.5 (from 2), 3.5 and 4 (from 10); 30 is not.
    # On the fake: 2 (from 2.5), 10 (from 30, at 20); 0 and 1 are not.
    assert precision_recall(real, fake, 1) == (.75, .5)


def test_equal_sets():
    rows = torch.randn(40, 3)
    assert precision_recall(rows, rows) == (1, 1)


def test_sets_far_apart():
    rows = torch.randn(40, 3)
    assert precision_recall(rows, rows + 1000) == (0, 0)


def test_one_mode_is_precise_and_recalls_little():
    real = torch.cat([torch.randn(50, 2), torch.randn(50, 2) + 100])
    precision, recall = precision_recall(real, torch.randn(100, 2) * .3)
    assert precision > .9
    assert recall < .5


def test_blocks_do_not_matter(monkeypatch):
    real, fake = torch.randn(50, 3), torch.randn(60, 3) * 1.5
    whole = precision_recall(real, fake), nearest(fake, real)[0]
    monkeypatch.setattr(neighbors, '_BLOCK', 7)
    assert precision_recall(real, fake) == whole[0]
    assert torch.allclose(nearest(fake, real)[0], whole[1])


def test_near_copies_keep_their_small_distance():
    rows = torch.randn(20, 50) + 100
    copies = rows.double() + 1e-4 / 50**.5
    assert nearest(copies, rows)[0].tolist() == pytest.approx(
        [1e-4] * 20, rel=.02)


def test_refuses_what_has_no_neighbors():
    rows = torch.randn(4, 2)
    with pytest.raises(ValueError, match='from 1 to 2 for 4 real and 3 fake'):
        precision_recall(rows, rows[:3])
    with pytest.raises(ValueError, match='NaN'):
        precision_recall(rows, rows * math.nan, 1)
