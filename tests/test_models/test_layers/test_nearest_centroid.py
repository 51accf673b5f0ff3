import pytest
import torch

from rcg.models.layers import nearest_centroid as module
from rcg.models.layers.nearest_centroid import nearest_centroid


def test_against_the_table_of_distances(monkeypatch):
    g = torch.manual_seed(0)
    rows, centroids = torch.randn(50, 6, generator=g), torch.randn(
        7, 6, generator=g)
    table = torch.cdist(rows.double(), centroids.double()).square()
    numbers, distances = nearest_centroid(rows, centroids)
    assert torch.equal(numbers, table.argmin(1))
    torch.testing.assert_close(distances.double(), table.min(1)[0],
                               rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(module, '_MOST', 3 * 7)  # three rows at a time
    assert torch.equal(nearest_centroid(rows, centroids)[0], numbers)


def test_a_centroid_is_its_own_nearest_in_any_precision():
    # Neighbors that bfloat16 could not tell apart.
    centroids = 1 + torch.arange(200.)[:, None] * 1e-3 * torch.ones(1, 4)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        numbers, distances = nearest_centroid(centroids, centroids)
    assert numbers.tolist() == list(range(200))
    assert distances.min() >= 0 and distances.max() < 1e-5


def test_of_equals_the_first():
    numbers, _ = nearest_centroid(torch.ones(2, 3), torch.ones(4, 3))
    assert numbers.tolist() == [0, 0]


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match='representations of 4 values, got 3'):
        nearest_centroid(torch.ones(2, 3), torch.ones(5, 4))
