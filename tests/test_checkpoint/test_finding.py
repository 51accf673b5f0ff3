"""Finding checkpoints: moved folders, truncated and missing files."""
import os
import shutil

import pytest
import torch
from safetensors.torch import save_file

from rcg.checkpoint import CheckpointError, find_checkpoint, save_atomically
from rcg.checkpoint.finding import what_is_wrong


def fill(folder, *iterations):
    for i in iterations:
        save_atomically({'state_dict': {'w': torch.rand(100)}},
                        folder / f'iter_{i}.pth')


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def test_highest_iteration_counts_as_a_number(tmp_path):
    fill(tmp_path, 9, 10, 8)
    (tmp_path / 'best.pth').write_bytes(b'x')
    assert find_checkpoint(tmp_path) == str(tmp_path / 'iter_10.pth')


def test_pointer_wins_and_a_moved_folder_works(tmp_path):
    old = tmp_path / 'old'
    old.mkdir()
    fill(old, 100, 5)
    (old / 'last_checkpoint').write_text(str(old / 'iter_5.pth'))
    new = shutil.move(old, tmp_path / 'new')
    assert find_checkpoint(new) == str(tmp_path / 'new' / 'iter_5.pth')


def test_pointer_to_a_file_that_is_gone_is_ignored(tmp_path):
    fill(tmp_path, 3)
    (tmp_path / 'last_checkpoint').write_text('iter_7.pth')
    assert find_checkpoint(tmp_path).endswith('iter_3.pth')


def test_truncated_newest_names_it_and_the_previous_one(tmp_path):
    fill(tmp_path, 1, 2, 3)
    cut(tmp_path / 'iter_3.pth')
    with pytest.raises(CheckpointError) as caught:
        find_checkpoint(tmp_path)
    assert 'iter_3.pth' in str(caught.value)
    assert "'" + str(tmp_path / 'iter_2.pth') in str(caught.value)


def test_nothing_complete_is_said(tmp_path):
    fill(tmp_path, 1)
    cut(tmp_path / 'iter_1.pth')
    with pytest.raises(CheckpointError, match='No other checkpoint'):
        find_checkpoint(tmp_path)


@pytest.mark.parametrize('make', [False, True])
def test_missing_file_and_empty_folder(tmp_path, make):
    path = tmp_path / 'run'
    if make:
        path.mkdir()
    with pytest.raises(FileNotFoundError, match='run'):
        find_checkpoint(path)


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_the_end_is_looked_at(tmp_path, name):
    path = str(tmp_path / name)
    if name.endswith('.pth'):
        torch.save({'w': torch.rand(1000)}, path)
    else:
        save_file({'w': torch.rand(1000)}, path)
    assert what_is_wrong(path) is None
    os.truncate(path, os.path.getsize(path) - 1)
    assert 'truncated' in what_is_wrong(path)


def test_empty_and_foreign_files_are_not_complete(tmp_path):
    empty, text = tmp_path / 'a.pth', tmp_path / 'a.safetensors'
    empty.write_bytes(b'')
    text.write_text('hello, this is no tensor')
    assert 'empty' in what_is_wrong(str(empty))
    assert 'no safetensors file' in what_is_wrong(str(text))
    empty.write_bytes(b'PK')
    assert 'truncated' in what_is_wrong(str(empty))


def test_missing_weights_send_the_reader_to_the_model_zoo(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"look for 'mocov3_vit_b' in "
                       r'docs/model_zoo\.md') as error:
        find_checkpoint(tmp_path / 'mocov3_vit_b.safetensors')
    assert 'RCG_WEIGHTS=' in str(error.value)
