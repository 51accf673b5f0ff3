"""Streams that depend on (seed, position) alone."""
import math

import pytest
import torch

from rcg import rng as module
from rcg.rng import SampleRng, check_finite, compile_words, philox4x32


@pytest.mark.parametrize(('counter', 'key', 'words'), [
    ((0, 0, 0, 0), (0, 0),
     (0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)),
    ((0xffffffff, ) * 4, (0xffffffff, ) * 2,
     (0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)),
    ((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344),
     (0xa4093822, 0x299f31d0),
     (0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)),
])
def test_known_answers(counter, key, words):
    """The vectors that Random123, the reference implementation, ships."""
    ours = philox4x32([torch.tensor([c]) for c in counter],
                      [torch.tensor([k]) for k in key])
    assert tuple(int(word) for word in ours) == words


@pytest.fixture
def compiled_words(monkeypatch):
    """Graphs that compile_words() made, run as they are."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    monkeypatch.setattr(module, '_device_words', None)  # and back afterwards
    torch.compiler.reset()
    compile_words(backend=backend)
    return graphs


def test_arrays_and_tensors_agree(compiled_words):
    """CPUs take NumPy's way, GPUs that of tensors, compiled or not."""
    for number in 1, 3, 5:
        rng = SampleRng.from_seed(2**40 + 3, [2**35 + i
                                              for i in range(number)])
        for count in 1, 4, 10, 101:
            draw, places = rng.num_draws + 2, -(-count // 4)
            words = rng._words(count)
            for way in module._words_on_device, module._device_words:
                ours = way(rng.keys, draw, places)
                assert ours.dtype == torch.int64
                assert torch.equal(ours[:, :count], words)
    # Not for each number of draws, rows and words: one, and more than one.
    assert 1 <= len(compiled_words) <= 4


def test_rows_do_not_depend_on_each_other():
    whole = SampleRng.from_seed(5, range(100))
    part = SampleRng.from_seed(5, [17, 3])
    for draw in ('normal', 'uniform', 'gumbel'):
        ours, theirs = getattr(part, draw)(7), getattr(whole, draw)(7)
        assert torch.equal(ours, theirs[[17, 3]])
    assert torch.equal(part.randint(9, 5), whole.randint(9, 5)[[17, 3]])


def test_draws_seeds_and_positions_differ():
    rng = SampleRng.from_seed(0, range(4))
    first, second = rng.uniform(64), rng.uniform(64)
    other = SampleRng.from_seed(1, range(4)).uniform(64)
    far = SampleRng.from_seed(0, [2**32 + i for i in range(4)]).uniform(64)
    everything = torch.cat([first, second, other, far])
    assert everything.unique().numel() > .999 * everything.numel()


def test_distributions():
    rng = SampleRng.from_seed(0, range(500))
    normal, uniform = rng.normal(1001).double(), rng.uniform(1000).double()
    error = 5 / math.sqrt(normal.numel())  # five standard errors
    assert abs(normal.mean()) < error
    assert abs((normal**2).mean() - 1) < error * math.sqrt(2)
    assert abs((normal**4).mean() - 3) < error * math.sqrt(96)
    assert abs((normal[:, 1:] * normal[:, :-1]).mean()) < error
    assert abs(uniform.mean() - .5) < error
    assert uniform.min() > 0
    assert uniform.max() < 1
    assert abs(rng.gumbel(1000).double().mean() - 0.57722) < 2 * error
    counts = torch.bincount(rng.randint(10, 1000).flatten(), minlength=10)
    assert (counts / 5e5 - .1).abs().max() < error


def test_categorical():
    probs = torch.tensor([.0, .5, .2, .3, 0.])
    logits = probs.log().expand(200, 1000, 5)
    ids = SampleRng.from_seed(0, range(200)).categorical(logits)
    share = torch.bincount(ids.flatten(), minlength=5) / ids.numel()
    assert share[0] == share[4] == 0
    assert (share - probs).abs().max() < 5 / math.sqrt(ids.numel())


def test_bad_keys():
    with pytest.raises(ValueError, match='int64'):
        SampleRng(torch.zeros(3, 2))


def test_rows_that_are_not_finite_are_named():
    rng = SampleRng.from_seed(0, range(100, 150))
    values = torch.zeros(50, 2, 3)
    check_finite(values, rng, 'values')
    values[3, 1, 1], values[7, 0, 0] = math.nan, math.inf
    with pytest.raises(ValueError, match='values of 2 samples.* 103, 107:'):
        check_finite(values, rng, 'values')
    values[:] = math.nan
    with pytest.raises(ValueError, match=r'of 50 samples.* 109, \.\.\.:'):
        check_finite(values, rng, 'values')
