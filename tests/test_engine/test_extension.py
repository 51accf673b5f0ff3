"""Runs that go on for longer than their config says."""
import copy
import json
import os
import shutil

import pytest
import torch
from mmengine.dist import get_rank

from rcg import apis
from rcg.apis.run_config import config_of_work_dir
from rcg.checkpoint import CheckpointError
from rcg.engine import load_config
from rcg.engine.extensible import ExtensibleRunner
from rcg.engine.extension import new_extension
from tests.test_evaluation.toy import run_processes

from .faults import FaultHook
from .running import CONFIG, build_runner, scalars

COSINE = [dict(type='LinearLR', start_factor=.1, by_epoch=False, begin=0,
               end=.2),
          dict(type='CosineAnnealingLR', begin=.2, end=1., by_epoch=False)]
CONSTANT = load_config('_base_/schedules/constant.py').param_scheduler
WARM_UP = [dict(type='LinearLR', start_factor=.1, by_epoch=False, end=3)]
PEAK = .01
# Without pictures and TensorBoard, which take most of the time.
QUICK = {'custom_hooks': [dict(type='TrainableEMAHook', decay=.9)],
         'visualizer.vis_backends': [dict(type='LocalVisBackend')]}


def train(folder, schedule=COSINE, extend=None, die_at=None, config=CONFIG,
          **changes):
    """Train the toy model for 10 iterations, or extend its run.

    Args:
        die_at: Iteration after which the process fails, before it saves.
    """
    # MMEngine takes _delete_ out of what it merges.
    options = copy.deepcopy({**QUICK, 'param_scheduler': schedule, **{
        k.replace('__', '.'): v for k, v in changes.items()}})
    if die_at is None:
        return apis.train(config, work_dir=str(folder), extend=extend,
                          options=options if config == CONFIG else None)
    runner = build_runner(folder, resume=True, **{
        k.replace('.', '__'): v for k, v in options.items()})
    runner.extend_by = extend
    runner.register_hook(FaultHook(at=die_at, error=True), 'VERY_HIGH')
    with pytest.raises(RuntimeError, match='the fault of this test'):
        runner.train()
    runner.visualizer.close()  # its threads
    return runner


def resume(folder, schedule=COSINE, config=CONFIG):
    return apis.train(config, work_dir=str(folder), resume='auto',
                      options={**QUICK, 'param_scheduler': schedule}
                      if config == CONFIG else None)


def final(folder, iteration):
    """All tensors and schedules of the last checkpoint."""
    content = torch.load(folder / f'iter_{iteration}.pth', weights_only=True)
    flat = {}

    def walk(path, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f'{path}.{key}', inner)
        elif isinstance(value, torch.Tensor):
            flat[path] = value.tolist()

    for key in ('state_dict', 'ema_state_dict', 'optimizer'):
        walk(key, content[key])
    return flat, content['param_schedulers']


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """Runs of 10 iterations by their schedule."""
    folder = tmp_path_factory.mktemp('finished')
    for name, schedule in (('cosine', COSINE), ('constant', CONSTANT)):
        train(folder / name, schedule)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    def copy(name, to='run'):
        shutil.copytree(finished / name, tmp_path / to)
        return tmp_path / to
    return copy


def test_a_cosine_is_warmed_up_again_and_falls_to_zero(copied, capsys):
    run = copied('cosine')
    train(run, extend=20)
    out = capsys.readouterr().out
    assert 'extended by 20 iterations, from 10 to 30' in out
    assert '2 iterations of warm-up to 0.5 of its highest value' in out
    assert 'training: 120 samples' in out
    rates = scalars(run, 'lr')
    assert sorted(rates) == list(range(1, 31))
    loss = scalars(run)
    assert sorted(loss) == list(range(1, 31))
    tail = [rates[i] for i in range(11, 31)]
    assert rates[10] < tail[0] < tail[1] < max(tail)
    assert max(tail) == tail[2] == pytest.approx(PEAK / 2)
    assert tail[2:] == sorted(tail[2:], reverse=True)
    assert tail[-1] < .01 * PEAK
    about = json.loads(max(run.glob('*/environment.json')).read_text())
    assert about['resumed']['iteration'] == 10
    assert about['resumed']['max_iters'] == 30
    dumped = config_of_work_dir(run)
    assert [(one.begin, one.end) for one in dumped.extensions] == [(10, 30)]
    assert dumped.train_cfg.max_iters == 10


def test_a_constant_rate_needs_no_warm_up_and_decays_again(copied):
    run = copied('constant')
    train(run, CONSTANT, extend=20)
    rates = scalars(run, 'lr')
    assert rates[10] < .6 * PEAK
    assert [rates[i] for i in range(11, 28)] == pytest.approx([PEAK] * 17)
    tail = [rates[i] for i in range(27, 31)]
    assert tail == sorted(tail, reverse=True) and tail[-1] < .2 * PEAK


@pytest.mark.parametrize('schedule', [None, WARM_UP])
def test_a_rate_without_decay_goes_on(tmp_path, schedule):
    train(tmp_path, schedule)
    train(tmp_path, schedule, extend=4)
    rates = scalars(tmp_path, 'lr')
    assert [rates[i] for i in range(9, 15)] == pytest.approx([PEAK] * 6)
    resume(tmp_path, schedule)
    assert (tmp_path / 'iter_14.pth').exists()


@pytest.mark.parametrize(('schedule', 'own_config'), [
    ('cosine', True), ('constant', False)])
def test_killed_and_resumed_twice_has_the_same_bits(copied, schedule,
                                                    own_config, capsys):
    """Killed before the first checkpoint of an extension, and after."""
    chosen = dict(cosine=COSINE, constant=CONSTANT)[schedule]
    whole, killed = copied(schedule, 'whole'), copied(schedule, 'killed')
    for length in (12, 9):
        train(whole, chosen, extend=length)
    wanted = final(whole, 31)
    config = str(killed) if own_config else CONFIG
    train(killed, chosen, extend=12, die_at=11)
    train(killed, chosen, extend=12, die_at=17)
    resume(killed, chosen, config)
    train(killed, chosen, extend=9, die_at=27)
    capsys.readouterr()
    train(killed, chosen, extend=9, config=config)
    assert 'an extension to iteration 31 is under way' in (
        capsys.readouterr().out)
    assert final(killed, 31) == wanted
    for key in ('loss', 'lr', 'toy/mean'):
        assert scalars(killed, key) == scalars(whole, key)
    assert {path.name for path in killed.glob('iter_*.pth')} == {
        'iter_30.pth', 'iter_31.pth'}


def test_an_interrupted_run_goes_on_from_its_rate(tmp_path):
    train(tmp_path, die_at=5)
    train(tmp_path, extend=10)
    rates = scalars(tmp_path, 'lr')
    assert max(rates) == 14
    # It is above half of the highest one: no step down.
    assert rates[5] == pytest.approx(rates[6])
    assert rates[14] < .05 * PEAK


def test_a_finished_run_says_so_and_names_extend(copied, capsys):
    run = copied('cosine')
    before = (run / 'iter_10.pth').read_bytes()
    resume(run)
    assert ('this run is finished: 10 of 10 iterations. To train it further: '
            '--extend N') in capsys.readouterr().out
    assert (run / 'iter_10.pth').read_bytes() == before
    with pytest.raises(CheckpointError, match='leave its length.*--extend N'):
        build_runner(run, resume=True, param_scheduler=COSINE,
                     train_cfg__max_iters=20).train()


def test_best_weights_stay_the_best(tmp_path):
    options = dict(default_hooks__checkpoint__save_best='toy/mean')
    train(tmp_path, **options)
    train(tmp_path, extend=10, **options)
    means = scalars(tmp_path, 'toy/mean')
    assert sorted(means) == [5, 10, 15, 20]
    best = torch.load(tmp_path / 'best.pth', weights_only=True)['meta']
    assert best['toy/mean'] == min(means.values())


def test_extensions_that_do_not_fit_are_refused(copied, tmp_path):
    run = copied('cosine')
    with pytest.raises(ValueError, match='at least 1 iteration, got 0'):
        train(run, extend=0)
    (tmp_path / 'new').mkdir()
    with pytest.raises(FileNotFoundError, match='holds no checkpoint'):
        train(tmp_path / 'new', extend=3)
    with pytest.raises(CheckpointError, match='its extensions were'):
        build_runner(run, resume=True, param_scheduler=COSINE,
                     extensions=[dict(begin=8, end=12)]).train()


def test_steps_are_whole_and_epochs_are_epochs(tmp_path):
    train(tmp_path / 'a', optim_wrapper__accumulative_counts=2)
    runner = train(tmp_path / 'a', extend=5,
                   optim_wrapper__accumulative_counts=2)
    assert runner.iter == 16
    epochs = dict(train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2,
                                 _delete_=True),
                  train_dataloader__sampler=dict(
                      type='DefaultSampler', shuffle=True, _delete_=True))
    train(tmp_path / 'b', **epochs)
    runner = train(tmp_path / 'b', extend=1, **epochs)
    assert (runner.epoch, runner.iter) == (3, 21)
    assert scalars(tmp_path / 'b', 'lr')[21] < .2 * PEAK


def test_the_momentum_of_moco_rises_to_the_new_end(tmp_path):
    options = {**QUICK, 'train_cfg.max_iters': 3, 'model.max_iters': 3,
               'train_dataloader.batch_size': 8}
    kinds = (options, {**options, 'model.max_iters': None})
    for number, chosen in enumerate(kinds):
        folder = tmp_path / str(number)
        for length in (None, 2):
            apis.train('configs/digits/encoder.py', work_dir=str(folder),
                       extend=length, options={
                           **chosen, 'val_cfg': None, 'val_dataloader': None,
                           'val_evaluator': None, 'custom_hooks': [],
                           'default_hooks.logger.interval': 1})
        momenta = scalars(folder, 'key_momentum')
        assert momenta[3] > momenta[4] < momenta[5] < 1


def test_only_our_runner_extends(monkeypatch, tmp_path):
    monkeypatch.delattr(ExtensibleRunner, 'extend_by')
    with pytest.raises(ValueError, match='cannot extend a run'):
        train(tmp_path, extend=3)


def test_schedules_of_several_optimizers_and_of_other_values():
    cosine = dict(type='CosineAnnealingLR', begin=0, end=10, by_epoch=False)
    momentum = dict(type='CosineAnnealingMomentum', begin=0, end=10,
                    by_epoch=False)
    assert 'decay' in new_extension(10, 5, [momentum, cosine], 10)
    assert 'decay' not in new_extension(10, 5, [momentum], 10)
    step = dict(type='StepLR', step_size=3, by_epoch=False)
    assert 'decay' not in new_extension(10, 5, [step], 10)
    poly = dict(type='mmengine.PolyLR', end=10, by_epoch=False)
    one = new_extension(10, 1, [poly], 10)
    assert (one['warmup'], one['decay']) == (0, 1)


def test_several_optimizers(tmp_path, copied):
    joint = dict(optim_wrapper=dict(
        _delete_=True, constructor='JointConstructor',
        net=dict(type='OptimWrapper',
                 optimizer=dict(type='AdamW', lr=PEAK))))
    train(tmp_path / 'two', **joint)
    train(tmp_path / 'two', extend=6, die_at=13, **joint)
    train(tmp_path / 'two', extend=6, **joint)
    one = copied('cosine', 'one')
    train(one, extend=6)
    rates = scalars(one, 'lr')
    assert scalars(tmp_path / 'two', 'lr') == pytest.approx(rates)
    assert sorted(rates) == list(range(1, 17))


def _extend_on_two(folder):
    os.environ['LOCAL_RANK'] = str(get_rank())
    options = {**QUICK, 'param_scheduler': COSINE,
               'train_dataloader.batch_size': 2}
    for extend in (None, 6):
        apis.train(CONFIG, work_dir=folder, extend=extend, options=options,
                   launcher='pytorch')
    return 0


def test_on_two_processes(tmp_path, copied):
    run = tmp_path / 'two'
    assert run_processes(2, tmp_path, _extend_on_two, str(run)) == [0, 0]
    one = copied('cosine', 'one')
    train(one, extend=6)
    assert sorted(scalars(run)) == list(range(1, 17))
    assert scalars(run, 'lr') == pytest.approx(scalars(one, 'lr'))
