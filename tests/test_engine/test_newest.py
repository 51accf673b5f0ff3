"""Resuming takes the newest intact checkpoint, and says what it skips."""
import logging
import os

import pytest
import torch
from mmengine.dist import get_rank

from rcg.checkpoint import CheckpointError, read_checkpoint, save_atomically
from rcg.engine import newest
from rcg.engine.newest import read_newest

from ..test_evaluation.toy import run_processes
from .running import build_runner, scalars


def fill(folder, *iterations):
    folder.mkdir(exist_ok=True)
    for i in iterations:
        save_atomically({'iter': i, 'w': torch.ones(99)},
                        folder / f'iter_{i}.pth')
    (folder / 'last_checkpoint').write_text(f'iter_{max(iterations)}.pth')


def newest_of(folder):
    """What is found, and what is said."""
    said = []
    found = read_newest(str(folder), read_checkpoint, said.append)
    return found and found[1]['iter'], '\n'.join(said)


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def make_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    'truncated': truncate,
    'one_byte_short': lambda path: os.truncate(path, path.stat().st_size - 1),
    'empty': lambda path: path.write_bytes(b''),
    'text': lambda path: path.write_text('Not found'),
    'page': lambda path: path.write_text('<html>'),
    'other_zip': lambda path: path.write_bytes(b'PK\5\6' + bytes(18)),
    'list_of_contents': lambda path: path.write_bytes(
        path.read_bytes().replace(b'PK\1\2', b'PK\1\3')),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_damaged_file_is_passed_over(tmp_path, damage):
    fill(tmp_path, 8, 9, 10)
    DAMAGES[damage](tmp_path / 'iter_10.pth')
    found, said = newest_of(tmp_path)
    assert found == 9
    assert f"'{tmp_path / 'iter_10.pth'}' is passed over" in said
    assert f"Going on from '{tmp_path / 'iter_9.pth'}'" in said


def test_an_unreadable_file_is_passed_over(tmp_path):
    fill(tmp_path, 9, 10)

    def read(path):
        if path.endswith('iter_10.pth'):
            raise OSError(5, 'Input/output error', path)
        return read_checkpoint(path)

    said = []
    assert read_newest(str(tmp_path), read, said.append)[1]['iter'] == 9
    assert 'Input/output error' in said[0]


def test_several_damaged_files_are_passed_over(tmp_path):
    fill(tmp_path, 7, 8, 9, 10)
    for i in (8, 9, 10):
        truncate(tmp_path / f'iter_{i}.pth')
    assert newest_of(tmp_path)[0] == 7


POINTERS = {
    'binary': lambda path: path.write_bytes(bytes(range(256))),
    'nul': lambda path: path.write_bytes(b'iter_9.pth\0'),
    'long': lambda path: path.write_text('x' * 100_000),
    'empty': lambda path: path.write_text(''),
    'blank': lambda path: path.write_text(' \n'),
    'folder': make_folder,
    'dots': lambda path: path.write_text('..'),
    'missing': lambda path: path.unlink(),
    'gone': lambda path: path.write_text('iter_12.pth'),
    'outside': lambda path: path.write_text('../other/iter_99.pth'),
    'absolute': lambda path: path.write_text(
        str(path.parents[1] / 'other' / 'iter_99.pth')),
    'pipe': lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize('pointer', POINTERS)
def test_a_bad_last_checkpoint_is_said_and_ignored(tmp_path, pointer):
    fill(tmp_path / 'other', 99)
    fill(tmp_path / 'run', 9, 10)
    POINTERS[pointer](tmp_path / 'run' / 'last_checkpoint')
    found, said = newest_of(tmp_path / 'run')
    assert found == 10
    assert 'last_checkpoint' in said
    truncate(tmp_path / 'run' / 'iter_10.pth')
    assert newest_of(tmp_path / 'run')[0] == 9


def test_a_file_elsewhere_counts_if_the_folder_has_none(tmp_path):
    """MMEngine's CheckpointHook with out_dir."""
    fill(tmp_path / 'out', 99)
    (tmp_path / 'run').mkdir()
    pointer = tmp_path / 'run' / 'last_checkpoint'
    pointer.write_text(str(tmp_path / 'out' / 'iter_99.pth'))
    assert newest_of(tmp_path / 'run') == (99, '')


def test_nothing_intact_is_an_error_with_all_that_was_tried(tmp_path):
    fill(tmp_path, 9, 10)
    for i in (9, 10):
        truncate(tmp_path / f'iter_{i}.pth')
    with pytest.raises(CheckpointError) as caught:
        newest_of(tmp_path)
    for name in ('iter_9.pth', 'iter_10.pth', 'truncated'):
        assert name in str(caught.value)


@pytest.mark.parametrize('pointer', ['empty', 'binary', 'gone', 'folder'])
def test_a_trace_of_a_checkpoint_is_no_new_run(tmp_path, pointer):
    (tmp_path / 'last_checkpoint').touch()
    POINTERS[pointer](tmp_path / 'last_checkpoint')
    with pytest.raises(CheckpointError, match='last_checkpoint'):
        newest_of(tmp_path)


def test_nothing_was_saved(tmp_path):
    assert newest_of(tmp_path) == (None, '')


def newest_of_one(folder):
    """In one of two processes; the second one cannot read iteration 10."""
    def read(path):
        if path.endswith('iter_10.pth') and get_rank():
            raise OSError(5, 'Input/output error', path)
        return read_checkpoint(path)

    said = []
    return read_newest(str(folder), read, said.append)[1]['iter'], said


def test_all_processes_take_the_same(tmp_path):
    """What one process cannot read, none takes."""
    fill(tmp_path / 'run', 8, 9, 10)
    results = run_processes(2, tmp_path, newest_of_one, tmp_path / 'run')
    for found, said in results:
        assert found == 9
        assert 'Input/output error' in said[0]


def test_the_list_is_that_of_the_first_process(tmp_path, monkeypatch):
    fill(tmp_path, 9)
    monkeypatch.setattr(newest, 'is_main_process', lambda: False)
    monkeypatch.setattr(
        newest, 'broadcast_object_list', lambda listed: listed.__setitem__(
            0, ([str(tmp_path / 'iter_9.pth')], None)))
    fill(tmp_path, 10)
    assert newest_of(tmp_path)[0] == 9


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    build_runner(folder, default_hooks__checkpoint__max_keep_ckpts=-1).train()
    return folder


@pytest.fixture
def part(whole, tmp_path):
    """A folder with the checkpoints of iterations 6 and 8, the 8 cut."""
    for name in ('iter_6.pth', 'iter_8.pth'):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    (tmp_path / 'last_checkpoint').write_text('iter_8.pth')
    truncate(tmp_path / 'iter_8.pth')
    return tmp_path


@pytest.mark.parametrize('named', [False, True])
def test_a_run_goes_on_from_the_one_before(whole, part, capsys, named):
    options = dict(load_from=str(part)) if named else {}
    runner = build_runner(part, resume=True, **options)
    runner.train()
    out = capsys.readouterr().out
    assert f"'{part / 'iter_8.pth'}' is passed over" in out
    assert 'truncated' in out
    assert sorted(scalars(part)) == [7, 8, 9, 10]
    wanted, found = (torch.load(f / 'iter_10.pth', weights_only=True)
                     for f in (whole, part))
    for key in ('state_dict', 'ema_state_dict'):
        for name, value in wanted[key].items():
            assert torch.equal(found[key][name], value), name


def test_a_named_file_must_be_intact(part):
    runner = build_runner(part, resume=True,
                          load_from=str(part / 'iter_8.pth'))
    with pytest.raises(CheckpointError, match='truncated'):
        runner.train()


def test_another_config_is_no_damage(whole, part):
    (part / 'iter_8.pth').write_bytes((whole / 'iter_8.pth').read_bytes())
    runner = build_runner(part, resume=True, model__dropout=.5)
    with pytest.raises(CheckpointError, match='model.dropout: was 0.1'):
        runner.train()


def test_a_run_without_an_intact_checkpoint_does_not_begin(part, caplog):
    truncate(part / 'iter_6.pth')
    with caplog.at_level(logging.WARNING), \
            pytest.raises(CheckpointError, match='No checkpoint'):
        build_runner(part, resume=True).train()
    assert not scalars(part)
