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


def test_a_state_goes_on_with_finite_means():
    means, again = RunningMeans(), RunningMeans()
    for value in (.1, .2):
        means.add({'a': torch.tensor(value), 'b': torch.tensor(1. / value)})
    means.add({'c': torch.tensor(float('nan'))})
    state = means.state()
    assert (state['names'], state['counts']) == (['a', 'b'], [2, 2])
    again.load_state(state)
    for one in (means, again):
        one.add({'a': torch.tensor(.7), 'b': torch.tensor(3)})
    found = again.fetch()
    assert found == {name: value for name, value in means.fetch().items()
                     if name != 'c'}
    again.load_state(RunningMeans().state())
    assert again.fetch() == {}


def test_means_of_another_number_of_processes_are_left_out():
    means = RunningMeans()
    means.load_state(dict(names=['a'], counts=[1], sums=[[1.], [2.]]))
    assert means.fetch() == {}
