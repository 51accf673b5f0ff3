"""Batches of chosen size, decoded later: the images are the same."""
from types import SimpleNamespace

import pytest
import torch

from rcg.apis import RCGInferencer, batch_sizes
from rcg.apis.batch_sizes import FIRST, BatchSizes
from rcg.apis.drawing import Drawer, later
from rcg.engine import load_config

CPU = torch.device('cpu')


@pytest.fixture
def rcg(digits_root):
    cfg = load_config('configs/digits/mage.py', [
        'model.generator.num_steps=2', 'model.rdm.sampler.num_steps=2'])
    return RCGInferencer(cfg, digits_root / 'mage', 'cpu')


def overlapping(rcg):
    """As on a GPU, with a drawer that decodes later."""
    rcg._draw = Drawer(rcg.model, CPU, overlap=True)
    return rcg


def test_overlap_is_off_on_a_cpu(digits_root):
    model = RCGInferencer('configs/digits/mage.py', digits_root / 'mage',
                          'cpu', overlap=True)
    assert model._draw._beside is None


def test_overlapped_images_come_in_order_and_are_the_same(rcg):
    plain = [*rcg.batches(10, seed=3, batch_size=4,
                          output='tensor')]
    found = [*overlapping(rcg).batches(10, seed=3, batch_size=4,
                          output='tensor')]
    assert [len(batch) for batch in found] == [4, 4, 2]
    for a, b in zip(plain, found, strict=True):
        assert torch.equal(a, b)


def test_a_batch_is_decoded_before_the_next_is_fetched(rcg):
    events, model = [], rcg.model

    def note(name):
        call = getattr(model, name)

        def noted(*args):
            events.append(name)
            return call(*args)
        setattr(model, name, noted)

    note('sample_codes')
    note('decode')
    for _ in overlapping(rcg).batches(3, batch_size=1):
        events.append('yield')
    step = ['sample_codes', 'decode']
    assert events == [*step, *step, 'yield', *step, 'yield', 'yield']


def test_what_is_not_finite_is_found_later_too(rcg):
    rcg.model.decode = lambda codes: torch.full((len(codes), 3, 2, 2),
                                                torch.nan)
    with pytest.raises(ValueError, match=r'images of 2 samples .* 0, 1: '):
        overlapping(rcg).sample(2, batch_size=2)


def test_other_batches_of_other_sizes_hold_the_same_images(rcg):
    plain = rcg.sample(11, seed=1, batch_size=6, output='tensor')
    auto = [*rcg.batches(11, seed=1, batch_size='auto',
                         output='tensor')]
    assert [len(batch) for batch in auto] == [4, 7]
    difference = torch.cat(auto).int() - plain.int()
    assert difference.abs().max() <= 1  # of a matrix product's rounding


def test_representations_are_drawn_ahead(rcg):
    def again():
        return rcg.sample(20, seed=1, batch_size=8, output='tensor')

    plain = again()
    drawn, draw = [], rcg.model.sample_representations

    def noted(rng, labels=None):
        drawn.append(len(rng))
        return draw(rng, labels)

    rcg.model.sample_representations, rcg.ahead = noted, 9
    assert torch.equal(again(), plain)
    assert drawn == [10, 10]
    rcg.ahead = 0
    assert torch.equal(again(), plain)
    assert drawn == [10, 10, 8, 8, 8]


@pytest.mark.parametrize(('taken', 'sizes'), [
    (0, [4, 8, 16, 32, 64, 64]),  # the most on a CPU
    (20, [4, 8, 8, 8, 8, 8]),  # 16 would take 320 of 300
    (90, [4, 4, 4, 4, 4, 4])])
def test_batches_grow_as_long_as_memory_allows(monkeypatch, taken, sizes):
    chosen, found = BatchSizes('auto', CPU), []
    monkeypatch.setattr(batch_sizes, 'free_memory', lambda device: 300)
    monkeypatch.setattr(batch_sizes, 'used_memory', lambda device: 100)
    monkeypatch.setattr(batch_sizes, 'most_memory',
                        lambda device: 100 + taken * found[-1])
    for _ in sizes:
        with chosen.watching() as size:
            found.append(size)
    assert found == sizes
    assert sizes[0] == FIRST


def test_a_gpu_counts_what_pytorch_has(monkeypatch):
    counts = dict(mem_get_info=(100, 1000), memory_reserved=50,
                  memory_allocated=20, max_memory_allocated=45)
    monkeypatch.setattr(torch, 'cuda', SimpleNamespace(**{
        name: lambda device, value=value: value
        for name, value in counts.items()}))
    device = torch.device('cuda')
    assert batch_sizes.free_memory(device) == 130
    assert batch_sizes.used_memory(device) == 20
    assert batch_sizes.most_memory(device) == 45


@pytest.mark.parametrize('bad', [0, -1, 'most', 2.5])
def test_a_size_that_is_none(bad):
    with pytest.raises(ValueError, match="at least 1, or 'auto'"):
        BatchSizes(bad, CPU)


def test_results_come_some_calls_later():
    done = []
    calls = (lambda i=i: done.append(i) or i for i in range(4))
    results = later(calls, 2)
    assert next(results) == 0
    assert [*results] == [1, 2, 3]
    assert done == [0, 1, 2, 3]
