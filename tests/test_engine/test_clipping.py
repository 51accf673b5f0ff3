"""Gradients are clipped as by PyTorch, and small ones not touched."""
import pytest
import torch
from torch import nn

from rcg.engine.optim.clipping import clip_grad_norm_


def with_gradients(*values):
    parameters = []
    for value in values:
        parameters.append(nn.Parameter(torch.zeros(len(value))))
        parameters[-1].grad = torch.tensor(value)
    return [*parameters, nn.Parameter(torch.zeros(2))]  # one without


@pytest.mark.parametrize('options', [
    {}, {'norm_type': 1.}, {'norm_type': float('inf')}, {'foreach': False}])
@pytest.mark.parametrize('max_norm', [
    .5, 4.9999, 5., 5.000001, 5.1, 7., 100., float('inf')])
@pytest.mark.parametrize('values', [
    ([3., 0.], [4.]), ([0.], [0.]), ([float('nan')], [1.]),
    ([float('inf')], [1.])])
def test_the_same_bits_as_pytorch(values, max_norm, options):
    ours, theirs = with_gradients(*values), with_gradients(*values)
    norm = clip_grad_norm_(ours, max_norm, **options)
    expected = nn.utils.clip_grad_norm_(theirs, max_norm, **options)
    torch.testing.assert_close(norm, expected, rtol=0, atol=0, equal_nan=True)
    for mine, other in zip(ours[:-1], theirs[:-1], strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=0, atol=0,
                                   equal_nan=True)
    assert ours[-1].grad is None


def test_small_gradients_are_not_touched():
    parameters = with_gradients([3.], [4.])
    clip_grad_norm_(parameters, 6.)
    assert [p.grad._version for p in parameters[:-1]] == [0, 0]
    clip_grad_norm_(parameters, 4.)
    assert [p.grad._version for p in parameters[:-1]] == [1, 1]


def test_one_tensor_no_gradient_and_errors():
    one = with_gradients([3., 4.])[0]
    assert clip_grad_norm_(one, 1.) == 5
    assert one.grad.norm() == pytest.approx(1, rel=1e-5)
    assert clip_grad_norm_([nn.Parameter(torch.zeros(1))], 1.) == 0
    with pytest.raises(RuntimeError, match='non-finite'):
        clip_grad_norm_(with_gradients([float('nan')]), 1.,
                        error_if_nonfinite=True)
