"""Hashes of files: when they are computed, and of what."""
import hashlib
import os

import pytest
import torch
from torch import nn

from rcg.checkpoint import (
    CheckpointError,
    file_sha256,
    hashes,
    load_weights,
    reading,
)


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / 'a.pth')
    torch.save(nn.Linear(2, 3).state_dict(), path)
    return path


@pytest.fixture
def counted(monkeypatch):
    """Files count as old at once; hashes that were begun."""
    begun = []
    sha256 = hashlib.sha256
    monkeypatch.setattr(hashes, '_SETTLED', -1.)
    monkeypatch.setattr(hashlib, 'sha256',
                        lambda *args: begun.append(1) or sha256(*args))
    return begun


def test_a_file_is_hashed_once_while_it_is_the_same(path, counted):
    first = file_sha256(path)
    assert file_sha256(path) == first
    assert len(counted) == 1
    torch.save(nn.Linear(2, 3).state_dict(), path)
    assert file_sha256(path) != first
    assert len(counted) == 2


def test_what_has_just_been_written_is_hashed_again(path, counted,
                                                    monkeypatch):
    monkeypatch.setattr(hashes, '_SETTLED', 60.)
    assert file_sha256(path) == file_sha256(path)
    assert len(counted) == 2


def test_loading_maps_the_file_and_hashes_on_demand(path, counted,
                                                    monkeypatch):
    mapped, read_torch = [], reading.read_torch

    def note(file, how):
        mapped.append(how)
        return read_torch(file, how)

    monkeypatch.setattr(reading, 'read_torch', note)
    module = nn.Linear(2, 3)
    loaded = load_weights(module, path)
    assert mapped == [True] and not counted
    with open(path, 'rb') as file:
        assert loaded.sha256 == hashlib.sha256(file.read()).hexdigest()


@pytest.mark.parametrize('change', [
    lambda path: torch.save(nn.Linear(2, 3).state_dict(), path), os.unlink])
def test_a_file_that_changed_after_it_was_read_has_no_hash(path, change):
    loaded = load_weights(nn.Linear(2, 3), path)
    change(path)
    with pytest.raises(CheckpointError, match='has changed .* start again'):
        assert loaded.sha256
