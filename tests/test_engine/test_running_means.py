"""Means of what was logged since they were last asked for."""
import torch

from rcg.engine.running_means import RunningMeans


def test_means_since_the_last_fetch():
    means = RunningMeans()
    for value in (1., 2., 6.):
        means.add({'a': torch.tensor(value)})
    means.add({'b': torch.tensor(5)})
    assert means.fetch() == {'a': 3., 'b': 5.}
    assert means.fetch() == {}


def test_added_tensors_may_change_later():
    means, value = RunningMeans(), torch.tensor(1.)
    means.add({'a': value})
    value.fill_(7.)
    means.add({'a': torch.tensor(3.)})
    assert value.item() == 7.
    assert means.fetch() == {'a': 2.}
