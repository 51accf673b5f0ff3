"""Which checkpoints exist at which time."""
import os

import pytest

from rcg.checkpoint import (
    find_checkpoint,
    read_checkpoint,
    save_atomically,
)
from rcg.engine import PlainCheckpointHook
from rcg.engine.hooks import checkpoint

from ..running import build_runner


def saved(folder):
    return sorted(p.name for p in folder.glob('*.pth'))


def test_newest_are_kept_and_the_last_is_saved(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=7).train()
    assert saved(tmp_path) == ['iter_6.pth', 'iter_7.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_7.pth'


def test_surplus_after_resuming_goes_too(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=4).train()
    build_runner(tmp_path, train_cfg__max_iters=8, resume=True).train()
    assert saved(tmp_path) == ['iter_6.pth', 'iter_8.pth']


def test_archives_stay_besides_the_newest(tmp_path):
    changes = dict(default_hooks__checkpoint__archive_interval=4)
    build_runner(tmp_path, train_cfg__max_iters=6, **changes).train()
    build_runner(tmp_path, train_cfg__max_iters=14, resume=True,
                 **changes).train()
    assert saved(tmp_path) == ['iter_12.pth', 'iter_14.pth', 'iter_4.pth',
                               'iter_8.pth']


def test_archives_of_whole_epochs(tmp_path):
    """Of 7 iterations: the first end at or after a multiple of 10."""
    build_runner(tmp_path, default_hooks__checkpoint__archive_interval=10,
                 default_hooks__checkpoint__max_keep_ckpts=1,
                 train_dataloader__sampler=dict(
                     _delete_=True, type='DefaultSampler', shuffle=True),
                 train_cfg=dict(_delete_=True, type='EpochBasedTrainLoop',
                                max_epochs=4)).train()
    assert saved(tmp_path) == ['iter_14.pth', 'iter_21.pth', 'iter_28.pth']


def test_old_is_removed_only_after_new_is_there(tmp_path, monkeypatch):
    runner = build_runner(tmp_path, train_cfg__max_iters=4,
                          default_hooks__checkpoint__max_keep_ckpts=1)
    save = runner.save_checkpoint

    def full_disk(folder, name, **kwargs):
        if name == 'iter_4.pth':
            raise OSError(28, 'No space left on device')
        save(folder, name, **kwargs)

    monkeypatch.setattr(runner, 'save_checkpoint', full_disk)
    with pytest.raises(OSError, match='No space'):
        runner.train()
    assert os.path.basename(find_checkpoint(tmp_path)) == 'iter_2.pth'


@pytest.mark.parametrize(('rule', 'index'), [('less', 0), ('greater', -1)])
def test_best(tmp_path, rule, index):
    runner = build_runner(
        tmp_path, train_cfg__val_interval=3,
        default_hooks__checkpoint__save_best='toy/mean',
        default_hooks__checkpoint__rule=rule)
    values, evaluate = [], runner.val_loop.evaluator.evaluate

    def record(size):
        values.append((evaluate(size)['toy/mean'], runner.iter))
        return {'toy/mean': values[-1][0]}

    runner.val_loop.evaluator.evaluate = record
    runner.train()
    best = sorted(values)[index]
    content = read_checkpoint(tmp_path / 'best.pth')
    assert content['meta']['toy/mean'] == best[0]
    assert content['meta']['iter'] == best[1]
    assert 'optimizer' not in content


def test_best_of_a_metric_that_is_not_there(tmp_path):
    runner = build_runner(tmp_path,
                          default_hooks__checkpoint__save_best='toy/meen')
    with pytest.raises(ValueError, match="'toy/meen'.*toy/mean"):
        runner.train()


@pytest.mark.parametrize('wrong', [
    {'interval': 0}, {'max_keep_ckpts': 0}, {'rule': 'smaller'},
    {'archive_interval': 0}, {'archive_interval': 1500}])
def test_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PlainCheckpointHook(**wrong)


def test_a_killed_removal_is_made_up_for(tmp_path, monkeypatch):
    """A kill after last_checkpoint, before the surplus file is removed."""
    runner = build_runner(tmp_path, train_cfg__max_iters=6)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, '_remove', lambda folder, names:
                      1 / 0 if names else None)
        with pytest.raises(ZeroDivisionError):
            runner.train()
    assert saved(tmp_path) == ['iter_2.pth', 'iter_4.pth', 'iter_6.pth']
    build_runner(tmp_path, train_cfg__max_iters=6, resume=True).train()
    assert saved(tmp_path) == ['iter_4.pth', 'iter_6.pth']


def test_a_checkpoint_names_no_other_files_to_remove(tmp_path):
    kept = tmp_path / 'kept.pth'
    kept.touch()
    build_runner(tmp_path / 'run', train_cfg__max_iters=2).train()
    path = tmp_path / 'run' / 'iter_2.pth'
    content = read_checkpoint(path)
    content['message_hub']['runtime_info'].update(
        kept_checkpoints=['../kept.pth', 'iter_2.pth'],
        surplus_checkpoints=['../kept.pth', str(kept)])
    save_atomically(content, path)
    build_runner(tmp_path / 'run', train_cfg__max_iters=6,
                 resume=True).train()
    assert kept.exists()


def test_a_score_of_nan_is_never_the_best(tmp_path):
    runner = build_runner(tmp_path, train_cfg__val_interval=3,
                          default_hooks__checkpoint__save_best='toy/mean')
    values = iter([float('nan'), 3., 4., 5.])
    runner.val_loop.evaluator.evaluate = lambda size: {
        'toy/mean': next(values)}
    runner.train()
    assert read_checkpoint(tmp_path / 'best.pth')['meta']['toy/mean'] == 3.
