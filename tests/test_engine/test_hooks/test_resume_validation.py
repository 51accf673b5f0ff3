"""A run that is killed in a validation ends as if it had not been."""
import copy
import json

import pytest
import torch
from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.runner import Runner

from rcg.checkpoint import read_checkpoint
from rcg.engine import load_config, validations
from rcg.engine.hooks import resume_validation

from .. import running
from ..running import CONFIG, scalars


def build_runner(folder, **options):
    """Merging a config takes its _delete_ away."""
    return running.build_runner(folder, **copy.deepcopy(options))


class KilledError(BaseException):
    """Stands for SIGKILL: nothing catches it."""


class Killer(Hook):
    """Kills the n-th validation of a session, or before or after it."""

    priority = 'VERY_HIGH'

    def __init__(self, place, count):
        self.place, self.left = place, count

    def count(self):
        self.left -= 1
        if not self.left:
            raise KilledError

    def before_val(self, runner):
        if self.place == 'before':
            self.count()

    def after_val_iter(self, runner, batch_idx, **kwargs):
        if self.place == 'inside' and batch_idx == 1:
            self.count()

    def after_val(self, runner):
        if self.place == 'after':
            self.count()


def train_and_kill(place, count, folder, monkeypatch, **options):
    """Train until a validation, and again from the newest checkpoint."""
    runner = build_runner(folder, **options)
    killer = Killer(place, count)
    runner.register_hook(killer)
    with monkeypatch.context() as patch:
        if place == 'unnoted':  # best.pth is written, the note is not
            patch.setattr(resume_validation, 'write_validations',
                          lambda folder, records:
                          killer.count() if records else None)
        with pytest.raises(KilledError):
            runner.train()
    resumed = build_runner(folder, resume=True, **options)
    resumed.train()
    return resumed


def files(folder):
    """Files but those of one session: logs, curves, environment."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*')
                  if 'vis_data' not in str(path) and path.is_file()
                  and path.suffix not in ('.log', '.diff')
                  and path.name != 'environment.json')


def flat(value, path=''):
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        plain = value.tolist() if torch.is_tensor(value) else value
        return {path: plain}
    found = {}
    for key, inner in items:
        found |= flat(inner, f'{path}.{key}')
    return found


def content(path):
    """All of a checkpoint but names and times of the session."""
    found = read_checkpoint(path)
    for name in ('cfg', 'experiment_name', 'time', 'run'):
        found['meta'].pop(name, None)
    info = found['message_hub']['runtime_info']
    for name in ('experiment_name', 'cfg', 'best_ckpt', 'last_ckpt',
                 'best_ckpt_toy/mean'):
        info.pop(name, None)
    return {name: value for name, value in flat(found).items()
            if 'resumed_keys' not in name and 'log_scalars' not in name}


def assert_same_runs(killed, whole):
    assert files(killed) == files(whole)
    for path in sorted(whole.glob('*.pth')):
        assert content(killed / path.name) == content(path), path.name
    for key in ('toy/mean', 'loss'):
        assert scalars(killed, key) == scalars(whole, key)
    assert noted(killed) == noted(whole)


def noted(folder):
    records = json.loads((folder / validations.FILE).read_text())
    return {one['iter']: one['metrics'] for one in records}


def plain(**options):
    return dict(default_hooks__checkpoint=dict(
        type='PlainCheckpointHook', max_keep_ckpts=2, save_best='toy/mean',
        **options))


def stock(**options):
    return dict(default_hooks__checkpoint=dict(
        type='CheckpointHook', max_keep_ckpts=2, _delete_=True, **options))


def iterations(interval, max_iters=12):
    return dict(train_cfg__max_iters=max_iters,
                train_cfg__val_interval=interval, custom_hooks=[
                    dict(type='TrainableEMAHook', decay=.9)])


def epochs(**options):
    """Three epochs of seven iterations."""
    return dict(
        train_cfg=dict(_delete_=True, type='EpochBasedTrainLoop',
                       max_epochs=3, **options),
        train_dataloader__sampler=dict(
            _delete_=True, type='DefaultSampler', shuffle=True),
        param_scheduler=[
            dict(type='ConstantLR', factor=.5, by_epoch=True, end=2)])


def stock_iterations():
    """Validations at 4, 8 and 12, by intervals that change."""
    return dict(
        train_cfg=dict(_delete_=True, type='IterBasedTrainLoop',
                       max_iters=12, val_interval=8,
                       dynamic_intervals=[(3, 4)]),
        train_dataloader__sampler=dict(_delete_=True, type='InfiniteSampler',
                                       seed=0))


RUNS = {
    'less': iterations(4) | plain(interval=4),
    'greater': iterations(4) | plain(interval=4, rule='greater'),
    'other_interval': iterations(4) | plain(interval=3),
    'last_alone': iterations(100) | plain(interval=5),
    'odd_end': iterations(3, 10) | plain(interval=2),
    'epochs': epochs() | plain(interval=2),
    'stock_epochs': epochs(val_interval=2) | stock(by_epoch=True, interval=1),
    'stock_loop': stock_iterations() | plain(interval=4),
    'stock_hook': iterations(4) | stock(
        by_epoch=False, interval=4, save_best=['toy/mean'], rule='less'),
}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Folders of uninterrupted runs, by name."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name) / 'run'
            build_runner(made[name], **RUNS[name]).train()
        return made[name]

    return get


@pytest.mark.parametrize(('name', 'place', 'count'), [
    ('less', 'before', 1), ('less', 'unnoted', 1), ('less', 'after', 1),
    ('less', 'inside', 3),  # the last one
    ('greater', 'inside', 1), ('greater', 'unnoted', 1),
    ('other_interval', 'inside', 2), ('last_alone', 'inside', 1),
    ('odd_end', 'unnoted', 4), ('epochs', 'inside', 2),
    ('epochs', 'after', 3), ('stock_epochs', 'before', 2),
    ('stock_loop', 'inside', 3), ('stock_hook', 'unnoted', 1),
    ('stock_hook', 'after', 3)])
def test_killed_in_a_validation(whole, tmp_path, monkeypatch, name, place,
                                count):
    killed = tmp_path / 'run'
    train_and_kill(place, count, killed, monkeypatch, **RUNS[name])
    assert_same_runs(killed, whole(name))


def test_a_finished_validation_is_not_repeated(tmp_path, monkeypatch, capsys):
    runner = train_and_kill('after', 1, tmp_path, monkeypatch, **RUNS['less'])
    assert runner.iter == 12
    assert 'was not validated' not in capsys.readouterr().out
    assert list(noted(tmp_path)) == [4, 8, 12]


def test_a_finished_run_does_nothing_more(tmp_path, capsys):
    build_runner(tmp_path, **RUNS['less']).train()
    before = {path: path.read_bytes() for path in tmp_path.glob('*.[pj]*')
              if path.suffix != '.py'}
    capsys.readouterr()
    build_runner(tmp_path, resume=True, **RUNS['less']).train()
    assert 'validat' not in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in before}


def test_a_damaged_note_is_said_and_the_validation_repeated(
        whole, tmp_path, monkeypatch, capsys):
    runner = build_runner(tmp_path / 'run', **RUNS['less'])
    runner.register_hook(Killer('after', 2))
    with pytest.raises(KilledError):
        runner.train()
    (tmp_path / 'run' / validations.FILE).write_bytes(b'[{"iter": 4}, \xff')
    build_runner(tmp_path / 'run', resume=True, **RUNS['less']).train()
    out = capsys.readouterr().out
    assert 'validations.json' in out
    assert 'iteration 8 was not validated' in out
    assert_same_runs(tmp_path / 'run', whole('less'))


def test_a_new_run_forgets_the_notes_of_an_old_one(tmp_path, monkeypatch):
    build_runner(tmp_path, **RUNS['less']).train()
    runner = build_runner(tmp_path, **RUNS['less'])
    runner.register_hook(Killer('inside', 1))
    with pytest.raises(KilledError):
        runner.train()
    assert noted(tmp_path) == {}


def test_early_stopping_counts_on(tmp_path, monkeypatch):
    """Two validations without an improvement, a kill between them."""
    def options(name):
        return dict(
            train_cfg__max_iters=100, train_cfg__val_interval=3,
            default_hooks__checkpoint__interval=3, custom_hooks=[
                dict(type='EarlyStoppingHook', monitor='toy/mean',
                     patience=2, rule='less', min_delta=1000.)])

    build_runner(tmp_path / 'whole', **options('whole')).train()
    for place, count in (('inside', 2), ('after', 3)):
        folder = tmp_path / f'{place}{count}'
        runner = train_and_kill(place, count, folder, monkeypatch,
                                **options(place))
        assert runner.iter == 9
        hook, = (hook for hook in runner.hooks
                 if isinstance(hook, EarlyStoppingHook))
        assert hook.wait_count == 2
        assert_same_runs(folder, tmp_path / 'whole')


def test_a_schedule_that_follows_scores_hears_of_each_once(
        tmp_path, monkeypatch):
    options = epochs() | dict(
        train_cfg__max_epochs=4, param_scheduler=[
            dict(type='ReduceOnPlateauLR', monitor='toy/mean', patience=0,
                 rule='less', threshold=1000., by_epoch=True)],
        default_hooks__checkpoint__interval=7)
    build_runner(tmp_path / 'whole', **options).train()
    for place in ('inside', 'after'):
        train_and_kill(place, 2, tmp_path / place, monkeypatch, **options)
        assert_same_runs(tmp_path / place, tmp_path / 'whole')
    rates = scalars(tmp_path / 'whole', 'lr')
    assert rates[28] < rates[1]


def test_a_stock_runner_validates_what_was_lost(tmp_path, capsys):
    def build(**options):
        cfg = load_config(CONFIG, {
            'work_dir': str(tmp_path), 'custom_hooks': [],
            'experiment_name': 'a stock runner validates',
            'optim_wrapper.optimizer': dict(
                _delete_=True, type='AdamW', lr=.01),
            'train_cfg.max_iters': 4, **options})
        return Runner.from_cfg(cfg)

    runner = build()
    runner.register_hook(Killer('inside', 1))
    with pytest.raises(KilledError):
        runner.train()
    build(resume=True, load_from=str(tmp_path / 'iter_4.pth')).train()
    assert 'iteration 4 was not validated' in capsys.readouterr().out
    assert list(noted(tmp_path)) == [4]


def test_validating_alone_notes_nothing(tmp_path):
    build_runner(tmp_path).val()
    assert not (tmp_path / validations.FILE).exists()
