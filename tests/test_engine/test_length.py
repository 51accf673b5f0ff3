"""The length of training in samples, epochs, iterations and steps."""
import pytest
from mmengine.optim import OptimWrapper
from torch import nn, optim

from rcg.checkpoint import CheckpointError
from rcg.engine.length import (
    accumulated_batches,
    count_iterations,
    describe_length,
)

from .running import build_runner


@pytest.mark.parametrize(('length', 'accumulated', 'iterations'), [
    (dict(max_iters=7), 4, 7),
    (dict(max_iters=0, max_samples=None), 1, 0),
    (dict(max_samples=1000), 1, 100),
    (dict(max_samples=1001), 1, 101),
    (dict(max_samples=1001), 8, 104),
    (dict(max_epochs=2), 1, 10),
    (dict(max_epochs=.7), 1, 4),
    (dict(max_epochs=.2 * 3), 1, 3),  # 0.6000000000000001
])
def test_iterations_follow(length, accumulated, iterations):
    assert count_iterations(length, 10, 50, accumulated) == iterations


@pytest.mark.parametrize('length', [
    {}, dict(max_iters=5, max_samples=50), dict(max_epochs=-1)])
def test_exactly_one_length(length):
    with pytest.raises(ValueError, match='exactly one of max_iters'):
        count_iterations(length, 10, 50, 1)


def test_a_length_in_all_units():
    assert describe_length(1000, 64, 51200, 4) == (
        'training: 64,000 samples = 1.25 epochs of 51,200 = 1,000 iterations '
        'of 64 = 250 optimizer steps of 256')


def test_accumulated_batches():
    inner = dict(optimizer={}, accumulative_counts=3)
    wrapper = OptimWrapper(optim.SGD(nn.Linear(1, 1).parameters(), .1),
                           accumulative_counts=3)
    assert [accumulated_batches(one) for one in (
        inner, dict(constructor='X', a=inner), dict(optimizer={}), {},
        wrapper)] == [3, 3, 1, 1, 3]


@pytest.mark.parametrize('length', [
    dict(max_samples=31), dict(max_epochs=30 / 26)])
def test_training_in_samples_and_epochs(tmp_path, capsys, length):
    options = dict(
        val_cfg=None, val_dataloader=None, val_evaluator=None,
        train_cfg__max_iters=None, optim_wrapper__accumulative_counts=2,
        param_scheduler=[dict(type='CosineAnnealingLR', begin=0., end=1.)])
    runner = build_runner(tmp_path, **options, **{
        f'train_cfg__{name}': value for name, value in length.items()})
    runner.train()
    assert runner.iter == runner.max_iters == 8
    assert runner.param_schedulers[0].T_max == 8
    assert ('32 samples = 1.231 epochs of 26 = 8 iterations of 4 = 4 '
            'optimizer steps of 8') in capsys.readouterr().out
    # Resuming compares schedules in iterations, as with max_iters.
    longer = build_runner(tmp_path, resume=True, **options, **{
        f'train_cfg__{name}': 2 * value for name, value in length.items()})
    with pytest.raises(CheckpointError, match='T_max: was 8, is 16'):
        longer.train()


def test_a_longer_training_goes_on(tmp_path):
    options = dict(val_cfg=None, val_dataloader=None, val_evaluator=None,
                   train_cfg__max_iters=None)
    build_runner(tmp_path, train_cfg__max_samples=16, **options).train()
    longer = build_runner(tmp_path, resume=True, train_cfg__max_epochs=1,
                          **options)
    longer.train()
    assert longer.iter == 7
