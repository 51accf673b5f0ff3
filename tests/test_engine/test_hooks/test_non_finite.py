"""NaN and infinity in training: skipped, counted, named, never kept."""
import os

import pytest
import torch
from torch import distributed, multiprocessing

from rcg.checkpoint import (
    CheckpointError,
    find_checkpoint,
    read_checkpoint,
    save_atomically,
)
from rcg.engine import NonFiniteHook
from rcg.engine.finite import non_finite
from rcg.engine.skipped_steps import (
    Step,
    Visited,
    count_skipped,
    describe,
    read_steps,
)
from rcg.registry import OPTIM_WRAPPERS

from ..running import build_runner
from ..test_runner import NoFetch, assert_same, load, optimizer_tensors
from ..test_step_guard import Scaled
from ..toy import ToyModel


def spoil(runner, positions, value=float('nan')):
    """Make the losses of batches with these positions not finite."""
    forward = runner.model.forward

    def spoiled(rng, *args, mode='tensor', **kwargs):
        losses = forward(rng, *args, mode=mode, **kwargs)
        if mode == 'loss' and set(rng.keys[:, 1].tolist()) & set(positions):
            losses['loss_noise'] = losses['loss_noise'] * torch.tensor(value)
            runner.model.count.fill_(torch.nan)
        return losses

    runner.model.forward = spoiled
    return runner


def kept(folder, iteration):
    return load(folder / f'iter_{iteration}.pth')


def messages(folder):
    return '\n'.join(log.read_text() for log in folder.glob('*/*.log'))


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
@pytest.mark.parametrize('before', [False, True])
def test_a_bad_step_is_skipped_counted_and_named(tmp_path, capsys, value,
                                                 before):
    spoil(build_runner(
        tmp_path, default_hooks__checkpoint__interval=1,
        default_hooks__checkpoint__max_keep_ckpts=-1,
        train_cfg__max_iters=7, default_hooks__logger__interval=3,
        param_scheduler=[dict(type='LinearLR', by_epoch=False, end=9)],
        custom_hooks=[dict(type='TrainableEMAHook', decay=.9,
                           before_step=before)]), [17], value).train()
    first, second = kept(tmp_path, 4), kept(tmp_path, 5)
    # The trained weights; the averaged ones are before the step still due.
    for part in ('ema_state_dict', 'state_dict')[:1 if before else 2]:
        for name, old in first[part].items():
            if name not in ('steps', 'module.count'):
                assert torch.equal(old, second[part][name]), name
    assert_same(optimizer_tensors(first), optimizer_tensors(second))
    last = kept(tmp_path, 7)
    assert non_finite(last) == []
    assert not torch.equal(last['state_dict']['net.0.weight'],
                           second['state_dict']['net.0.weight'])
    assert last['param_schedulers'][0]['last_step'] == 7  # it went on
    if before:  # no new weights came, so there was nothing to average
        assert torch.equal(second['state_dict']['net.0.weight'],
                           kept(tmp_path, 6)['state_dict']['net.0.weight'])
    out = capsys.readouterr().out
    assert 'iteration 5: the loss is NaN or infinite; the step was' in out
    assert 'positions 16 to 19 (images ' in out
    assert 'skipped steps so far: 1; ' in out
    hub = second['message_hub']['runtime_info']
    assert (hub['skipped_steps'], hub['skipped_in_a_row']) == (1, 1)


def test_ends_after_some_in_a_row_and_keeps_the_last_good(tmp_path):
    runner = spoil(build_runner(
        tmp_path, train_cfg__max_iters=40, default_hooks__logger__interval=50,
        default_hooks__non_finite__patience=3), range(20, 99))
    with pytest.raises(ValueError, match="checkpoint is '.*/iter_4.pth'"):
        runner.train()
    assert runner.iter == 7  # 6, 7 and 8 were bad
    assert find_checkpoint(tmp_path).endswith('iter_6.pth')
    assert non_finite(kept(tmp_path, 6)) == []


def test_what_was_saved_before_the_row_is_not_deleted(tmp_path):
    """The newest before it is named, though the keep policy is 2."""
    runner = spoil(build_runner(
        tmp_path, train_cfg__max_iters=40, default_hooks__logger__interval=3,
        default_hooks__checkpoint__interval=1,
        default_hooks__non_finite__patience=8), range(20, 99))
    with pytest.raises(ValueError, match="checkpoint is '.*/iter_5.pth'"):
        runner.train()
    assert (tmp_path / 'iter_5.pth').is_file()
    # After a row that ends, the keep policy goes on.
    spoil(build_runner(tmp_path / 'b', default_hooks__checkpoint__interval=1),
          [9, 13, 17]).train()
    assert sorted(p.name for p in (tmp_path / 'b').glob('iter_*')) == [
        'iter_10.pth', 'iter_9.pth']


def test_a_good_step_begins_a_new_row(tmp_path):
    bad = [*range(0, 8), *range(12, 20), *range(24, 32)]
    spoil(build_runner(tmp_path, default_hooks__non_finite__patience=3),
          bad).train()
    assert kept(tmp_path, 10)['message_hub']['runtime_info'][
        'skipped_steps'] == 6
    assert messages(tmp_path).count('the step was skipped') == 6


def test_a_resumed_run_is_the_same_and_counts_on(tmp_path):
    """Also from a checkpoint just after a skipped step."""
    def build(name, patience=4, **options):
        return spoil(build_runner(
            tmp_path / name, default_hooks__non_finite__patience=patience,
            default_hooks__logger__interval=5,
            custom_hooks=[dict(type='TrainableEMAHook', decay=.9,
                               before_step=True)],
            default_hooks__checkpoint__max_keep_ckpts=-1, **options),
            [*range(20, 28), 33])

    build('whole').train()
    for start in (6, 8):
        path = str(tmp_path / f'whole/iter_{start}.pth')
        name = f'from {start}'
        build(name, resume=True, load_from=path).train()
        first, second = (kept(tmp_path / f, 10) for f in ('whole', name))
        for part in ('state_dict', 'ema_state_dict'):
            assert_same(first[part], second[part])
        assert_same(optimizer_tensors(first), optimizer_tensors(second))
        assert second['message_hub']['runtime_info']['skipped_steps'] == 3
    with pytest.raises(ValueError, match='2 steps in a row'):
        build('again', patience=2, resume=True, load_from=str(
            tmp_path / 'whole/iter_6.pth')).train()


def test_accumulated_batches_are_skipped_together(tmp_path, capsys):
    spoil(build_runner(
        tmp_path, optim_wrapper__accumulative_counts=2,
        default_hooks__checkpoint__max_keep_ckpts=-1,
        train_cfg__max_iters=8), [21]).train()
    first, second, third = (kept(tmp_path, i) for i in (4, 6, 8))
    assert_same(optimizer_tensors(first), optimizer_tensors(second))
    assert not torch.equal(second['state_dict']['net.0.weight'],
                           third['state_dict']['net.0.weight'])
    out = capsys.readouterr().out
    assert 'iteration 6: the loss is' in out
    assert 'positions 20 to 23' in out
    assert '16 to 19' not in out  # the other batch was good


def test_no_value_is_fetched_in_a_skipped_step(tmp_path):
    runner = spoil(build_runner(
        tmp_path, default_hooks__logger__interval=4,
        default_hooks__checkpoint__interval=100, train_cfg__max_iters=8,
        custom_hooks=[{'type': 'TrainableEMAHook'}]), [8, 9, 16])
    run_iter = runner.train_loop.run_iter

    def watch(batch):
        if runner.iter in (1, 2, 4, 5, 6):  # lines come after 3 and 7
            runner.model.forward = ToyModel.forward.__get__(runner.model)
            with NoFetch():
                run_iter(batch)
        else:
            run_iter(batch)

    runner.train_loop.run_iter = watch
    # The spoiler itself fetches positions: let a gradient be bad instead.
    handles = [runner.model.net[0].weight.register_hook(
        lambda grad: grad * (torch.nan if runner.iter == 5 else 1))]
    runner.train()
    assert len(handles) == 1
    assert non_finite(kept(tmp_path, 8)) == []
    assert 'gradients are NaN or infinite' in messages(tmp_path)
    assert 'iteration 6: the losses are finite' in messages(tmp_path)


@pytest.mark.parametrize('rate', [float('inf'), 1e30])
def test_a_wild_learning_rate_reaches_no_checkpoint(tmp_path, rate):
    runner = build_runner(
        tmp_path, train_cfg__max_iters=30, param_scheduler=None,
        default_hooks__checkpoint__max_keep_ckpts=-1,
        default_hooks__non_finite__patience=3)
    run_iter = runner.train_loop.run_iter

    def change(batch):
        if runner.iter == 4:
            for group in runner.optim_wrapper.param_groups:
                group['lr'] = rate
        run_iter(batch)

    runner.train_loop.run_iter = change
    with pytest.raises(ValueError, match='iter_[4-8].pth'):
        runner.train()
    for path in tmp_path.glob('iter_*.pth'):
        assert non_finite(load(path)) == [], path
    assert not list(tmp_path.glob('*.tmp*'))


@pytest.mark.parametrize('part', ['state_dict', 'ema_state_dict',
                                  'optimizer'])
def test_resuming_from_nan_is_refused(tmp_path, part):
    build_runner(tmp_path, train_cfg__max_iters=2).train()
    path = tmp_path / 'iter_2.pth'
    content = read_checkpoint(str(path))
    if part == 'optimizer':
        content[part]['state'][0]['exp_avg'].view(-1)[0] = torch.inf
    else:
        name = next(n for n in content[part] if n.endswith('0.weight'))
        content[part][name][0, 0] = torch.nan
    save_atomically(content, str(path))
    with pytest.raises(CheckpointError, match=f'iter_2.*{part}.*NaN'):
        build_runner(tmp_path, resume=True, load_from=str(path)).train()


def test_constants_may_be_infinite(tmp_path):
    """A mask of infinities is no fault, neither saved nor resumed."""
    def build(**options):
        runner = build_runner(tmp_path, **options)
        runner.model.register_buffer('mask', torch.tensor([0., -torch.inf]))
        return runner

    build(train_cfg__max_iters=2).train()
    build(resume=True).train()
    assert kept(tmp_path, 10)['state_dict']['mask'][1] == -torch.inf


@OPTIM_WRAPPERS.register_module()
class ScaledForTheTest(Scaled):
    pass


@pytest.mark.parametrize('fixed', [None, 512.])
def test_a_grad_scaler_may_look_for_its_scale(tmp_path, fixed):
    """It skips steps until its scale fits; below 1 there is no more hope."""
    runner = spoil(build_runner(
        tmp_path, train_cfg__max_iters=40, train_cfg__val_interval=40,
        custom_hooks=[dict(type='TrainableEMAHook')],
        optim_wrapper=dict(
            type='ScaledForTheTest', constructor='TwoGroupConstructor',
            optimizer=dict(type='AdamW', lr=.01), clip_grad=None,
            _delete_=True), default_hooks__checkpoint__interval=100,
        default_hooks__non_finite__patience=3), range(8, 999))
    build = runner.build_optim_wrapper
    runner.build_optim_wrapper = lambda cfg: set_scale(build(cfg), fixed)
    with pytest.raises(ValueError, match='in a row'):
        runner.train()
    # 2 ** 16 is halved 17 times; a scale that is fixed does not fall.
    assert runner.iter == (2 + 3 if fixed else 2 + 17) - 1


def set_scale(wrapper, fixed):
    if fixed:
        wrapper._scale_update_param = fixed
    return wrapper


@pytest.mark.parametrize('hook', ['LoggerHook', None])
def test_the_log_in_a_checkpoint_has_no_nan(tmp_path, hook):
    hooks = {} if hook is None else dict(default_hooks__logger=dict(
        type=hook, interval=2, log_metric_by_epoch=False, _delete_=True))
    spoil(build_runner(tmp_path, train_cfg__max_iters=6, **hooks),
          [9, 13]).train()
    content = kept(tmp_path, 6)
    assert non_finite(content['message_hub']) == []
    assert 'train/loss' in content['message_hub']['log_scalars']
    assert content['message_hub']['runtime_info']['skipped_steps'] == 2


def test_patience_is_checked():
    with pytest.raises(ValueError, match='patience must be at least 1'):
        NonFiniteHook(0)


def test_words_of_several_processes():
    ranks = [Step(9, True, False, 'a'), Step(9, True, True, 'b')]
    assert describe(ranks).endswith('Its samples: process 1: b')
    ranks[1] = Step(9, True, False, 'b')
    assert describe(ranks).endswith('process 0: a; process 1: b')
    row = [Step(i, bool(s), False, '') for i, s in enumerate([1, 1, 0, 1])]
    assert count_skipped(row, 2) == (3, 1, 4)


def test_the_console_names_few_images_and_the_log_all():
    images = torch.arange(20) ** 2
    visited = Visited(9, torch.stack([torch.zeros(20), torch.arange(20)], 1),
                      images, torch.tensor(float('nan')), torch.ones(()))
    (step, ), _ = read_steps([visited])
    assert '49 and 12 more of the dataset' in describe([step], in_brief=True)
    assert '36, 49, 64, 81' in describe([step])


def _train_on(rank, folder):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
                      LOCAL_WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    runner = build_runner(f'{folder}/run', train_cfg__max_iters=3,
                          launcher='pytorch', train_dataloader__num_workers=0)
    model = runner.model.module
    forward = model.forward

    def spoiled(rng, *args, **kwargs):
        losses = forward(rng, *args, **kwargs)
        if kwargs.get('mode') == 'loss' and runner.iter == 1 and rank == 1:
            # The gradients stay finite: only the loss says it, on one rank.
            losses['loss_noise'] = losses['loss_noise'] + torch.tensor(
                float('inf'))
        return losses

    model.forward = spoiled
    runner.train()
    torch.save(model.state_dict(), f'{folder}/rank{rank}.pth')
    distributed.destroy_process_group()


def test_all_processes_skip_together(tmp_path):
    # Forked, which saves the imports; CUDA would not survive it.
    multiprocessing.start_processes(
        _train_on, (str(tmp_path), ), nprocs=2,
        start_method='spawn' if torch.cuda.is_available() else 'fork')
    assert_same(*(load(tmp_path / f'rank{i}.pth') for i in range(2)))
    text = messages(tmp_path / 'run')
    assert 'iteration 2: the loss is NaN or infinite' in text
    assert 'samples: process 1: positions 9 to 15 by 2 (images' in text
