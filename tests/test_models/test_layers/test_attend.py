"""Attention in training in bfloat16 on a CPU: in float32."""
import pytest
import torch
from torch.nn import functional as F

from rcg.models.layers.attend import attend


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
def test_dropout_is_as_it_was(dtype):
    outs = []
    for attention in (lambda *x: attend(*x, .5), lambda *x: (
            F.scaled_dot_product_attention(*x, dropout_p=.5))):
        given = inputs(dtype, True)
        torch.manual_seed(1)
        outs.append(attention(*given))
    assert torch.equal(*outs)
