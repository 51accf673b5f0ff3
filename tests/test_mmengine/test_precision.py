"""Precision, with classes of MMEngine."""
import torch
from mmengine import runner
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner.amp import autocast
from torch import nn
from torch.utils.data import DataLoader

from rcg.rng import SampleRng
from tests.test_models import tiny


class ToyRunner:
    """What a loop asks of its Runner."""
    distributed = False

    def __init__(self, model):
        self.model = model

    def call_hook(self, name, **kwargs):
        pass


class Kept(nn.Module):
    """An evaluator that keeps the samples."""
    dataset_meta = None

    def __init__(self):
        super().__init__()
        self.samples = []

    def process(self, data_samples, data_batch):
        self.samples += data_samples

    def evaluate(self, size):
        return {}


def model():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('rcg'):
        return tiny.rcg().eval()


def batch():
    keys = torch.stack([torch.zeros(4, dtype=torch.int64),
                        torch.arange(4)], 1)
    return dict(keys=keys, indices=torch.arange(4))


def test_fp16_of_the_stock_test_loop_reaches_the_generator_alone():
    own, seen = model(), []
    with torch.no_grad():  # the untrained one predicts 0 in any precision
        for weight in own.rdm.module.parameters():
            weight.normal_(std=.3)
    sample = own.generator.sample
    own.generator.sample = lambda condition, rng: seen.append(
        (condition, torch.is_autocast_enabled('cpu'))) or sample(condition,
                                                                 rng)
    for fp16 in (False, True):
        kept = Kept()
        runner.TestLoop(ToyRunner(own), DataLoader([batch()], batch_size=None),
                 kept, fp16=fp16).run_iter(0, batch())
        assert len(kept.samples) == 4
    (exact, before), (mixed, after) = seen
    assert (before, after) == (False, True)
    assert torch.equal(exact, mixed)


def test_the_stock_autocast_does_not_reach_frozen_parts():
    own = model()
    images = SampleRng.from_seed(1, torch.arange(4)).uniform(3, 8, 8) * 2 - 1
    expected = own.encode(images)
    wrapper = OptimWrapper(torch.optim.SGD(own.parameters(), lr=.1))
    with wrapper.optim_context(own), autocast(
            device_type='cpu', dtype=torch.bfloat16):
        found = own.encode(images)
    for name, value in expected.items():
        assert torch.equal(found[name], value)
