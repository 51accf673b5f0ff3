"""Attention on a CPU: training in bfloat16, and dropout."""
import pytest
import torch
from torch.nn import functional as F

from rcg.models.layers.attend import attend
from rcg.models.layers.plain import plain_layers


def inputs(dtype, trains):
    torch.manual_seed(0)
    return [torch.randn(2, 3, 5, 8).to(dtype).requires_grad_(trains)
            for _ in range(3)]


def test_training_in_bfloat16_is_as_exact_as_its_numbers():
    low = inputs(torch.bfloat16, True)
    high = [x.detach().float().requires_grad_() for x in low]
    with torch.autocast('cpu', torch.bfloat16):
        out = attend(*low)
    assert out.dtype == torch.bfloat16
    exact = F.scaled_dot_product_attention(*high)
    assert torch.equal(out, exact.bfloat16())
    out.sum().backward()
    exact.sum().backward()
    for x, y in zip(low, high, strict=True):
        assert torch.equal(x.grad, y.grad.bfloat16())


@pytest.mark.parametrize(('dtype', 'trains'), [
    (torch.float32, True), (torch.float32, False), (torch.bfloat16, False)])
def test_everything_else_is_as_it_was(dtype, trains):
    given = inputs(dtype, trains)
    with torch.autocast('cpu', torch.bfloat16, dtype == torch.bfloat16):
        assert torch.equal(attend(*given),
                           F.scaled_dot_product_attention(*given))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_with_pytorchs_dropout_it_is_as_it_was(dtype):
    outs = []
    for attention in (lambda *x: attend(*x, .5), lambda *x: (
            F.scaled_dot_product_attention(*x, dropout_p=.5))):
        given = inputs(dtype, True)
        torch.manual_seed(1)
        with plain_layers():
            outs.append(attention(*given))
    assert torch.equal(*outs)


@pytest.mark.parametrize('shape', [(2, 3, 5, 8), (2, 4, 70, 8)])
@pytest.mark.parametrize(('dtype', 'tolerance'), [
    (torch.float32, 1e-6), (torch.bfloat16, .02)])
def test_dropout_acts_on_the_weights(monkeypatch, shape, dtype, tolerance):
    """A mask that is known: what is left is the product of the definition."""
    torch.manual_seed(0)
    masks, given = [], [torch.randn(shape).to(dtype).requires_grad_()
                        for _ in range(3)]

    def drop(weights, p):
        assert p == .25 and weights.dtype == dtype
        masks.append((torch.rand(weights.shape) > p) / (1 - p))
        return weights * masks[-1].to(dtype)

    monkeypatch.setattr('rcg.models.layers.attend.dropout', drop)
    with torch.autocast('cpu', torch.bfloat16, dtype == torch.bfloat16):
        out = attend(*given, .25)
    assert out.dtype == dtype
    q, k, v = (x.detach().double().requires_grad_() for x in given)
    weights = (q @ k.mT / shape[-1]**.5).softmax(-1)
    exact = weights * masks[0].double() @ v
    torch.testing.assert_close(out.double(), exact, rtol=0, atol=tolerance)
    out.float().sum().backward()
    exact.sum().backward()
    for x, y in zip(given, (q, k, v), strict=True):
        torch.testing.assert_close(x.grad.double(), y.grad, rtol=0,
                                   atol=4 * tolerance)


def test_the_mean_over_masks_is_attention_without_dropout():
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 64, 8) for _ in range(3))
    mean = sum(attend(q, k, v, .5) for _ in range(400)) / 400
    torch.testing.assert_close(mean, F.scaled_dot_product_attention(q, k, v),
                               rtol=0, atol=.1)
