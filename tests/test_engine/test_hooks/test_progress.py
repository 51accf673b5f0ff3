"""Values over an interval, and the line with the time left."""
import re

import pytest
import torch

from rcg.engine import AutocastOptimWrapper, JointOptimWrapper, timed_lines
from rcg.engine.hooks.progress import _learning_rate
from rcg.engine.running_means import RunningMeans, logged_values

from ..running import build_runner, scalars


def test_values_are_means_over_the_interval(tmp_path):
    build_runner(tmp_path / 'fine', train_cfg__max_iters=5).train()
    build_runner(tmp_path / 'coarse', train_cfg__max_iters=5,
                 default_hooks__logger__interval=3).train()
    fine, coarse = scalars(tmp_path / 'fine'), scalars(tmp_path / 'coarse')
    assert sorted(coarse) == [3, 5]
    for steps in ((1, 2, 3), (4, 5)):
        mean = sum(fine[s] for s in steps) / len(steps)
        assert abs(coarse[steps[-1]] - mean) < 1e-6


@pytest.mark.parametrize('start', [3, 6, 9])
def test_means_go_on_in_a_resumed_run(tmp_path, start):
    """From a checkpoint between two lines of the log, to the bit."""
    options = dict(default_hooks__logger__interval=4,
                   default_hooks__checkpoint__interval=3,
                   default_hooks__checkpoint__max_keep_ckpts=-1)
    whole, again = tmp_path / 'whole', tmp_path / 'again'
    build_runner(whole, **options).train()
    build_runner(again, resume=True, load_from=str(
        whole / f'iter_{start}.pth'), **options).train()
    for key in ('loss', 'grad_norm'):
        wanted = scalars(whole, key)
        assert scalars(again, key) == {
            step: value for step, value in wanted.items() if step > start}


def test_line_names_stage_iteration_loss_speed_and_time_left(
        tmp_path, capsys):
    build_runner(tmp_path, train_cfg__max_iters=4,
                 default_hooks__logger__interval=2).train()
    lines = [line for line in capsys.readouterr().out.splitlines()
             if '/4 ' in line]
    assert len(lines) == 3
    assert re.fullmatch(r'toy_config  1/4  first iteration after \d+\.\d s',
                        lines.pop(0))
    assert re.fullmatch(
        r'toy_config  2/4  loss \S+  grad_norm \S+  lr \S+  '
        r'\S+ it/s  \S+ images/s  \S+ GB  left \d+:\d\d:\d\d', lines[0])
    assert lines[1].endswith('left 0:00:00')


def test_short_lines_by_time_fetch_nothing(tmp_path, capsys, monkeypatch):
    """Curves have no more values than without them."""
    fetched, fetch = [], RunningMeans.fetch
    monkeypatch.setattr(RunningMeans, 'fetch', lambda means: (
        fetched.append(1), fetch(means))[1])
    runner = build_runner(tmp_path, train_cfg__max_iters=8,
                          train_cfg__val_interval=99,
                          default_hooks__logger__interval=4,
                          default_hooks__logger__seconds=0.)
    runner.train()
    lines = [line for line in capsys.readouterr().out.splitlines()
             if '/8 ' in line]
    assert [re.search(r'(\d)/8', line)[1] for line in lines] == [
        '1', '2', '3', '4', '8']  # once a minute after the first with values
    assert re.fullmatch(r'toy_config  2/8  \S+ it/s  \S+ images/s  '
                        r'left 0:00:\d\d', lines[1])
    assert sorted(scalars(tmp_path)) == [4, 8]
    assert len(fetched) == 2


def test_lines_have_the_last_score(tmp_path, capsys):
    build_runner(tmp_path).train()  # it validates after the fifth
    out = capsys.readouterr().out
    assert re.search(r'parameters: .+ trained', out)
    assert not re.search(r' 5/10 .*toy/mean', out)
    assert re.search(r' 6/10 .* GB  toy/mean \S+  left', out)


def test_time_without_a_line_decides(monkeypatch):
    now = [100.]
    monkeypatch.setattr(timed_lines.time, 'perf_counter', lambda: now[0])
    lines, found = timed_lines.TimedLines(10.), []
    for _ in range(50):
        now[0] += 3
        if lines.due():
            found.append(now[0])
        if now[0] == 148:  # there was another line
            lines.skip()
    assert found[:6] == [103, 115, 127, 139, 160, 172]
    assert lines.left(50, 150) == 'left 0:05:00'


def test_metrics_are_logged_at_their_iteration(tmp_path):
    build_runner(tmp_path).train()
    assert sorted(scalars(tmp_path, 'toy/mean')) == [5, 10]


def test_learning_rate_and_gradient_norm_are_logged(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=4).train()
    rates = scalars(tmp_path, 'lr')
    assert [round(rates[i], 6) for i in (1, 2, 3, 4)] == [
        .001, .0055, .01, .01]
    assert all(v > 0 for v in scalars(tmp_path, 'grad_norm').values())
    # 26 images in batches of 4; the axes on which runs are compared.
    assert scalars(tmp_path, 'samples_seen') == {1: 4, 2: 8, 3: 12, 4: 16}
    assert scalars(tmp_path, 'epoch')[3] == 12 / 26


def test_tensorboard_file_is_written(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=2).train()
    events, = tmp_path.glob('*/vis_data/events.out.tfevents.*')
    assert b'loss_noise' in events.read_bytes()


def test_evaluation_lines(tmp_path, capsys):
    runner = build_runner(tmp_path, default_hooks__logger__seconds=0.)
    runner.test()
    out = capsys.readouterr().out
    assert 'test 1/3 batches  left 0:00:0' in out
    assert re.search(r'test  toy/mean \d', out)


def test_evaluations_have_a_line_after_the_first_batch(tmp_path, capsys):
    """Of validations the first one alone; they may be many."""
    runner = build_runner(tmp_path)
    runner.train()
    runner.test()
    out = capsys.readouterr().out
    assert out.count('validation 1/3 batches') == 1
    assert out.count('test 1/3 batches') == 1
    assert ' 2/3 batches' not in out


def test_several_optimizers():
    """Norms by part; the rate of the first, not MMEngine's base_lr."""
    def wrapper(lr, clip):
        layer = torch.nn.Linear(1, 1)
        optimizer = torch.optim.SGD(
            [{'params': [layer.weight]}, {'params': [layer.bias]}], lr=lr)
        layer(torch.ones(1, 1)).sum().backward()
        return AutocastOptimWrapper(
            optimizer=optimizer, dtype='float32',
            clip_grad={'max_norm': 1.} if clip else None)

    joint = JointOptimWrapper(a=wrapper(.5, True), b=wrapper(.1, False))
    for part in joint.values():
        part.step()
    assert set(logged_values(None, joint)) == {'a.grad_norm'}
    joint['a'].optimizer.param_groups[0]['lr'] = .25
    assert _learning_rate(joint) == .25
