"""Dropout with masks of 16 random bits."""
import pytest
import torch
from torch.nn import functional as F

from rcg.models.layers.dropout import Dropout, dropout
from rcg.models.layers.plain import plain_layers

SHAPES = [(40, 1000), (3, 5, 7, 400), (1, 2**14), (99991, )]


@pytest.mark.parametrize('p', [.1, .5, .03, .97])
@pytest.mark.parametrize('shape', SHAPES)
def test_a_share_of_numbers_is_dropped_and_the_rest_scaled(p, shape):
    torch.manual_seed(0)
    out = dropout(torch.ones(shape), p)
    assert out.shape == shape
    kept = out != 0
    torch.testing.assert_close(out[kept], torch.full_like(out[kept],
                                                          1 / (1 - p)),
                               rtol=1e-3, atol=0.)
    deviation = (p * (1 - p) / out.numel())**.5
    assert abs((~kept).double().mean() - p) < 5 * deviation + 2**-17


def test_the_expectation_is_exact_where_p_is_rounded():
    p = 1.4 * 2**-16
    torch.manual_seed(0)
    out = dropout(torch.ones(2**18), p)
    kept = out[out != 0]
    assert len(kept) < len(out)
    assert kept[0].item() == pytest.approx(1 / (1 - 2**-16), rel=1e-7)


def test_masks_are_independent():
    """Of neighbors, of the words of random bits, and of calls."""
    torch.manual_seed(0)
    drops = [(dropout(torch.ones(2**18), .5) == 0).double() for _ in range(2)]
    centred = drops[0] - .5
    for lag in range(1, 9):
        assert abs((centred[lag:] * centred[:-lag]).mean()) < .25 * 5 / 2**9
    assert abs((centred * (drops[1] - .5)).mean()) < .25 * 5 / 2**9
    for place in range(4):  # four numbers share a word
        assert abs(centred[place::4].mean()) < .5 * 5 / 2**8


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64,
                                   torch.bfloat16, torch.float16])
def test_gradients_and_types(dtype):
    torch.manual_seed(0)
    x = torch.randn(40, 1000).to(dtype).requires_grad_()
    out = dropout(x, .25)
    assert out.dtype == dtype
    dropped = out == 0
    assert torch.equal(out, torch.where(
        dropped, 0, x * torch.tensor(4 / 3, dtype=dtype)))
    out.backward(torch.full_like(x, 3))
    expected = (3 * torch.tensor(4 / 3, dtype=dtype)).expand_as(x)
    assert torch.equal(x.grad, torch.where(dropped, 0, expected))


def test_the_layout_stays_and_views_are_left_alone():
    x = torch.ones(2, 64, 20, 20).to(memory_format=torch.channels_last)
    assert dropout(x, .5).is_contiguous(memory_format=torch.channels_last)
    part = torch.ones(400, 200)[:, :100]  # not dense
    out = dropout(part, .5)
    assert out.shape == part.shape and set(out.unique().tolist()) == {0, 2}
    assert torch.equal(part, torch.ones(400, 100))
    every = torch.ones(1, 100).expand(400, 100)
    assert .45 < (dropout(every, .5) == 0).double().mean() < .55


def test_seeds_decide_and_the_generator_moves_on():
    x, layer = torch.ones(2**15), Dropout(.5)
    outs = []
    for _ in range(2):
        torch.manual_seed(3)
        outs += [layer(x), layer(x), torch.rand(1)]
    assert torch.equal(outs[0], outs[3]) and torch.equal(outs[1], outs[4])
    assert torch.equal(outs[2], outs[5])
    assert not torch.equal(outs[0], outs[1])


@pytest.mark.parametrize(('p', 'numbers'), [
    (.5, 100), (0., 2**15), (1., 2**15), (2**-20, 2**15)])
def test_what_has_no_masks_of_its_own_is_pytorchs(p, numbers):
    outs = []
    for act in dropout, F.dropout:
        torch.manual_seed(1)
        outs.append(act(torch.ones(numbers), p))
    assert torch.equal(*outs)


def test_the_switch_gives_pytorchs_masks():
    x, outs = torch.ones(2**15), []
    for act in dropout, F.dropout:
        torch.manual_seed(1)
        with plain_layers():
            outs.append(act(x, .5))
    assert torch.equal(*outs)
    torch.manual_seed(1)
    assert not torch.equal(dropout(x, .5), outs[0])


def test_wrong_probabilities_are_refused():
    with pytest.raises(ValueError, match='dropout probability'):
        dropout(torch.ones(2**15), 1.5)


def test_evaluation_drops_nothing():
    x = torch.ones(2**15)
    assert Dropout(.5).eval()(x) is x
    assert Dropout(0.)(x) is x
