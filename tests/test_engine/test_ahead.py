"""What is drawn ahead is what each batch would have drawn."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch import nn
from torch.utils.data import DataLoader

from rcg.datasets import SeedBatchSampler, SeedDataset
from rcg.engine.ahead import Ahead, ahead_of_batches, completed
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.registry import MODELS
from rcg.rng import SampleRng
from tests.test_engine.running import ROOT, build_runner
from tests.test_engine.toy_painter import ToyPainter

CONFIG = str(ROOT / 'tests/test_engine/toy_painter_config.py')


@MODELS.register_module()
class TwoStepPainter(ToyPainter):
    """Draws a shade first, as an RCG draws a representation."""
    draws_ahead = True
    drawn = ()  # rows of each call of draw_ahead

    def draw_ahead(self, batch):
        rng = self.data_preprocessor(batch)['rng']
        self.drawn = [*self.drawn, rng.keys[:, 1].tolist()]
        return dict(shade=self.shade(rng)), rng.num_draws

    def shade(self, rng):
        return rng.randint(100).view(-1)

    def forward(self, rng, indices, shade=None, **kwargs):
        if shade is None:
            shade = self.shade(rng)
        predictions = super().forward(rng, indices, **kwargs)
        for one, extra in zip(predictions, shade, strict=True):
            one['images'] = one['images'] // 2 + extra.byte()
        return predictions


def runner_of(folder, **options):
    runner = build_runner(folder, CONFIG, model__type='TwoStepPainter',
                          test_dataloader__dataset__num_images=230, **options)
    del runner.test_loop.evaluator.metrics[1:]  # one is enough
    return runner


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    runner = runner_of(tmp_path_factory.mktemp('plain'), test_cfg__ahead=0)
    scores = runner.test()
    assert not runner.model.drawn
    return scores


def test_scores_are_the_same(tmp_path, plain):
    runner = runner_of(tmp_path, test_cfg__ahead=70)
    assert runner.test() == plain
    # 10 batches of 24 images, filled up, in three parts.
    assert runner.model.drawn == [[*range(a, a + 80)] for a in (0, 80, 160)]


def test_a_test_that_goes_on_draws_the_same_parts(tmp_path, plain,
                                                  monkeypatch):
    runner = runner_of(tmp_path, test_cfg__ahead=70)
    runner.register_hook(ResumableTestHook(0.))
    process, calls = runner.test_loop.evaluator.process, []

    def crash(**kwargs):
        calls.append(kwargs)
        if len(calls) == 5:
            raise ZeroDivisionError
        process(**kwargs)

    monkeypatch.setattr(runner.test_loop.evaluator, 'process', crash)
    with pytest.raises(ZeroDivisionError):
        runner.test()
    again = runner_of(tmp_path, test_cfg__ahead=70)
    again.register_hook(ResumableTestHook(0.))
    assert again.test() == plain
    assert [rows[0] for rows in again.model.drawn] == [80, 160]


@pytest.mark.parametrize('total', [256, 511, 512, 5003, 10**6])
def test_parts_hold_all_rows_once(total):
    ahead = Ahead(None, None, total)
    edges = [ahead._start(i) for i in range(ahead.num_parts + 1)]
    sizes = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    assert (edges[0], edges[-1]) == (0, total)
    assert 256 <= min(sizes) <= max(sizes) <= min(sizes) + 1 < 513
    for part in {0, ahead.num_parts - 1, ahead.num_parts // 2}:
        for row in (edges[part], edges[part + 1] - 1):
            assert ahead._part_of(row) == part


class Drawer(nn.Module):
    """Draws two numbers a row, for few rows at a time."""
    draws_ahead, limit = True, 99

    def draw_ahead(self, batch):
        if len(batch['keys']) > self.limit:
            raise MemoryError
        rng = SampleRng(batch['keys'])
        return dict(x=rng.normal(2)), rng.num_draws


def ahead_of(model, batch_size, least, images=40):
    dataset = SeedDataset(images)
    sampler = SeedBatchSampler(DefaultSampler(dataset, shuffle=False),
                               batch_size)
    loader = DataLoader(dataset, batch_sampler=sampler)
    runner = SimpleNamespace(model=model)
    return ahead_of_batches(runner, loader, least), loader


@pytest.mark.parametrize('limit', [99, 4])
def test_batches_get_the_rows_of_few_parts(limit):
    model = Drawer()
    model.limit = limit  # larger parts are halved
    ahead, loader = ahead_of(model, 7, 9)
    whole = SampleRng.from_seed(0, range(42)).normal(2)
    for batch in loader:
        got = completed(batch, ahead)
        assert torch.equal(got['x'], whole[batch['indices']])
        assert got['num_draws'] == 1
        assert len(ahead._parts) <= 2
    assert loader.batch_sampler.contiguous


@pytest.mark.parametrize(('model', 'batch_size', 'least'), [
    (Drawer(), 9, 9),  # batches are large
    (Drawer(), 7, 43),  # the test is small
    (Drawer(), 7, 0),  # not wanted
    (nn.Identity(), 7, 9)])
def test_batches_draw_for_themselves(model, batch_size, least):
    ahead, loader = ahead_of(model, batch_size, least)
    assert ahead is None
    assert not loader.batch_sampler.contiguous
    batch = next(iter(loader))
    assert completed(batch, ahead) is batch


@pytest.mark.parametrize('world', [1, 2, 3, 5])
@pytest.mark.parametrize('done', [(), (0, 3)])
def test_contiguous_batches_are_shared_out(world, done):
    class Sampler:
        dataset = range(43)

    shares = []
    for rank in range(world):
        sampler = SeedBatchSampler(Sampler, 4)
        sampler.rank, sampler.world = rank, world
        sampler.done, sampler.contiguous = set(done), True
        shares.append(sampler.batches())
    left = [batch for batch in range(11) if batch not in done]
    assert sum(shares, []) == left
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
