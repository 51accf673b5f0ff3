import numpy as np
import pytest
import torch

from rcg.evaluation import Moments


def moments_of(rows, batch_size):
    moments = Moments(rows.shape[1])
    for batch in rows.split(batch_size):
        moments.add(batch)
    return moments.mean_and_covariance()


def test_agrees_with_numpy():
    rows = torch.randn(500, 6) * torch.tensor([.01, .1, 1, 10, 100, 300])
    mean, covariance = moments_of(rows, 64)
    exact = rows.double().numpy()
    scale = exact.std(0)
    assert np.abs(mean.numpy() - exact.mean(0)).max() < 1e-8
    error = np.abs(covariance.numpy() - np.cov(exact, rowvar=False))
    assert (error / np.outer(scale, scale)).max() < 1e-6


@pytest.mark.parametrize('scale', [.01, .1, 3., 500.])
@pytest.mark.parametrize('num_rows', [3, 1500, 3000])
def test_sums_are_those_of_unlimited_integers(scale, num_rows):
    rows = torch.randn(num_rows, 3).clamp(-4, 4) * scale
    rows[:, 0] = .75
    integers = (rows.double() * 2**24).round().long().tolist()
    wanted = [[sum(row[i] * row[j] for row in integers) for j in range(3)]
              for i in range(3)]
    moments = Moments(3)
    moments.add(rows)
    (high, low), = moments.sums[..., :3, :3].tolist()
    found = [[int(h) * 2**40 + int(x) for h, x in zip(*pair, strict=True)]
             for pair in zip(high, low, strict=True)]
    assert found == wanted
    assert moments.count == num_rows


@pytest.mark.parametrize('scale', [1e-12, 1e-7, 1e-3, .5, 1])
def test_small_features_are_as_exact(scale):
    rows = torch.randn(300, 4) * scale
    mean, covariance = moments_of(rows, 64)
    exact = rows.double().numpy()
    assert np.abs(mean.numpy() - exact.mean(0)).max() < 1e-8 * scale
    error = np.abs(covariance.numpy() - np.cov(exact, rowvar=False))
    assert error.max() < 1e-8 * scale**2


def test_sums_of_parts_add_up_exactly():
    rows = torch.randn(500, 4) * torch.logspace(-9, 2, 500)[:, None]
    whole, parts = Moments(4), Moments(4)
    whole.add(rows)
    for part in rows.split(90):
        one = Moments(4)
        one.add(part)
        parts.merge(one.sums)
    for found, wanted in zip(parts.mean_and_covariance(),
                             whole.mean_and_covariance(), strict=True):
        assert torch.equal(found, wanted)


def test_order_and_batches_do_not_matter_at_all():
    rows = torch.randn(1000, 5) * torch.tensor([40., 1e-4]).repeat(500)[
        :, None]
    mean, covariance = moments_of(rows, 1000)
    shuffled = rows[torch.randperm(1000)]
    for batch_size in (1, 7, 64):
        other = moments_of(shuffled, batch_size)
        assert (other[0] == mean).all()
        assert (other[1] == covariance).all()


def test_float_sums_would_not_have_been_equal():
    rows = torch.randn(1000, 5) * 40
    parts = [b.double().T @ b.double() for b in rows.split(7)]
    assert (sum(parts) != rows.double().T @ rows.double()).any()


def test_a_large_mean_keeps_a_small_spread():
    rows = 1000 + torch.randn(400, 3, dtype=torch.float64)
    _, covariance = moments_of(rows, 32)
    wanted = np.cov(rows.numpy(), rowvar=False)
    assert np.abs(covariance.numpy() - wanted).max() < 1e-5


def test_constant_features_have_no_variance():
    _, covariance = moments_of(torch.full((50, 2), .3), 8)
    assert covariance.abs().max() < 1e-12


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 2048.])
def test_refuses_features_out_of_range(value):
    moments = Moments(2)
    with pytest.raises(ValueError, match='finite and between'):
        moments.add(torch.tensor([[0., value]]))


def test_one_sample_has_no_covariance():
    with pytest.raises(ValueError, match='at least 2 samples, got 1'):
        moments_of(torch.ones(1, 3), 1)
