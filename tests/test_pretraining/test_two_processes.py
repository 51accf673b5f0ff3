"""Losses over the batches of all processes: two equal one."""
import os

import pytest
import torch
from torch import distributed as dist

from rcg.checkpoint import read_checkpoint
from tests.forked import call_in_two

from . import test_moco_v3, test_simclr
from .test_moco_v3 import batch, total

MODELS = dict(MoCoV3=test_moco_v3.build, SimCLR=test_simclr.build)


def losses_and_gradients(name, num, first):
    # Running statistics: those of a batch would differ between processes.
    model = MODELS[name]().eval()
    images, rng = batch(num, first)
    values = model(images, mode='loss', rng=rng)
    total(values).backward()
    return dict(values={k: v.detach() for k, v in values.items()},
                gradients={k: p.grad for k, p in model.named_parameters()
                           if p.grad is not None})


def worker(folder):
    rank = int(os.environ['RANK'])
    dist.init_process_group('gloo')
    found = {name: losses_and_gradients(name, 6, 6 * rank) for name in MODELS}
    torch.save(found, f'{folder}/{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def halves(tmp_path_factory):
    """What each of two processes finds, for its half of a batch."""
    folder = tmp_path_factory.mktemp('processes')
    call_in_two(worker, folder)
    return [read_checkpoint(folder / f'{rank}.pt') for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_two_processes_equal_one_with_the_joint_batch(halves, name):
    first, second = (half[name] for half in halves)
    whole = losses_and_gradients(name, 12, 0)
    for key in ('loss_contrastive', 'positive_similarity', 'top1'):
        mean = (first['values'][key] + second['values'][key]) / 2
        torch.testing.assert_close(mean, whole['values'][key], rtol=1e-5,
                                   atol=1e-6)
    assert first['gradients'].keys() == whole['gradients'].keys()
    for key, gradient in whole['gradients'].items():
        mean = (first['gradients'][key] + second['gradients'][key]) / 2
        torch.testing.assert_close(mean, gradient, rtol=1e-4, atol=1e-6)
