import math

import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from rcg.evaluation import kernel_distance


def sets(num_fake=90, num_real=70, shift=.5):
    rng = torch.Generator().manual_seed(0)
    return (torch.randn(num_fake, 6, generator=rng) + shift,
            torch.randn(num_real, 6, generator=rng))


@pytest.mark.parametrize('sigma', [None, 2.])
def test_agrees_with_torch_fidelity(sigma):
    fake, real = sets()
    kernel = {'kid_kernel': 'rbf', 'kid_kernel_rbf_sigma': sigma}
    theirs = kid_features_to_metric(
        fake.double(), real.double(), kid_subsets=7, kid_subset_size=40,
        verbose=False, **(kernel if sigma else {}))
    ours = kernel_distance(fake, real, 7, 40, sigma)
    assert ours == pytest.approx(tuple(theirs.values()), rel=1e-9)


def test_by_hand():
    # One pair of each set: k(x, x') + k(y, y') - mean of the four k(x, y).
    fake, real = torch.tensor([[0.], [1.]]), torch.tensor([[2.], [3.]])
    wanted = 1 + 7**3 - (1 + 1 + 3**3 + 4**3) / 2
    assert kernel_distance(fake, real, 1, 2) == (wanted, 0)


def test_equal_distributions_are_at_distance_zero_on_average():
    fake, real = sets(2000, 2000, shift=0)
    mean, std = kernel_distance(fake, real, 100, 200)
    assert abs(mean) < .5 * std


def test_refuses_what_cannot_be_compared():
    fake, real = sets()
    with pytest.raises(ValueError, match='from 2 to 70 for 90 generated'):
        kernel_distance(fake, real)
    with pytest.raises(ValueError, match='NaN'):
        kernel_distance(fake * math.nan, real, 1, 40)
