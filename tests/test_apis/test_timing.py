"""Waits of the host for a GPU; nothing of the kind on a CPU."""
import warnings

import pytest
import torch

from rcg.apis.timing import Timing


def test_waits_are_counted_and_others_warnings_are_not(monkeypatch, capsys):
    modes = []
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', modes.append)
    timing = Timing('cuda')
    with timing.waits('train'):
        warnings.warn('called a synchronizing CUDA operation', stacklevel=1)
        warnings.warn('another', stacklevel=1)
    assert modes == ['warn', 'default']
    assert len(timing.found['waits of train']) == 1
    assert 'waited 1 times' in capsys.readouterr().out
    with pytest.raises(ValueError, match='x'), timing.waits('train'):
        raise ValueError('x')
    assert modes[-1] == 'default'


def test_on_a_cpu_nothing_is_counted():
    timing = Timing('cpu')
    with timing.waits('train'), timing.stage('train', 3):
        pass
    assert list(timing.found) == ['train']
    assert timing.found['train']['images_per_second'] > 0
