"""The order of very many images."""
import itertools

import numpy as np
import pytest

from rcg.datasets import StreamSampler, stream
from rcg.datasets.permutation import FeistelPermutation


@pytest.mark.parametrize('size', [1, 2, 3, 4, 5, 63, 64, 65, 1000, 4097])
def test_every_number_comes_once(size):
    found = FeistelPermutation(size, (0, 1))[np.arange(size)]
    assert found.dtype == np.int64
    assert sorted(found.tolist()) == list(range(size))


def test_it_looks_random():
    """As many cycles, ascents and fixed points as chance gives."""
    size = 100_000
    orders = [FeistelPermutation(size, (0, epoch))[np.arange(size)]
              for epoch in range(3)]
    for order in orders:
        ascents = (np.diff(order) > 0).mean()
        assert abs(ascents - .5) < 5 * (1 / 12 / size)**.5
        assert abs(np.corrcoef(order, np.arange(size))[0, 1]) < 5 / size**.5
        # Neighbors in the stream come from all over the folder.
        assert abs(np.abs(np.diff(order)).mean() - size / 3) < .01 * size
        assert (order == np.arange(size)).sum() < 10
    for one, other in itertools.combinations(orders, 2):
        assert (one == other).sum() < 10


def test_any_place_of_very_many_images_is_computed_alone():
    order = FeistelPermutation(10**12, 3)
    places = np.array([0, 7, 10**12 - 1])
    found = order[places]
    assert ((found >= 0) & (found < 10**12)).all()
    assert found.tolist() == [order[places[i:i + 1]].item() for i in range(3)]


class Many:
    def __len__(self):
        return 10**9


def test_a_stream_over_a_billion_images():
    sampler = StreamSampler(Many(), seed=0)
    sampler.position = 10**9 - 3  # three before the second pass
    items = list(itertools.islice(sampler, 6))
    assert [item.position for item in items] == list(range(10**9 - 3,
                                                           10**9 + 3))
    first, second = (sampler.order(epoch) for epoch in (0, 1))
    assert [item.index for item in items] == [
        *first[np.arange(10**9 - 3, 10**9)].tolist(),
        *second[np.arange(3)].tolist()]


def test_small_ones_have_the_order_that_they_had(monkeypatch):
    sampler = StreamSampler(range(700), seed=5)
    orders = [np.random.default_rng((5, epoch)).permutation(700)
              for epoch in (0, 1)]
    got = [item.index for item in itertools.islice(sampler, 1400)]
    assert got == np.concatenate(orders).tolist()
    monkeypatch.setattr(stream, 'LARGE', 100)
    other = [item.index for item in itertools.islice(sampler, 700)]
    assert sorted(other) == list(range(700)) and other != got[:700]
