"""tools/check_full_size.py and what it measures with."""
import json
import warnings

import pytest
import torch

from rcg.apis.timing import Timing
from tools import check_full_size


def test_stages_and_speed(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'found.json'
    monkeypatch.setattr('sys.argv', [
        'check_full_size.py', 'configs/digits/mage.py', '--image-size', '16',
        '--steps', '2', '--images', '3', '--out', str(out), '--cfg-options',
        'model.rdm.sampler.num_steps=2'])
    check_full_size.main()
    found = json.loads(out.read_text())
    for stage in ('build', 'train', 'steps', 'sample'):
        assert found[stage]['seconds'] > 0
        assert found[stage]['peak_gigabytes'] > 0
        assert ('images_per_second' in found[stage]) == (
            stage in ('steps', 'sample'))
    assert found['trained_parameters'] == 600898
    assert "'images': (3, 16, 16)" in capsys.readouterr().out


def test_images_of_another_size_are_refused(monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['check_full_size.py',
                                     'configs/digits/mage.py'])
    with pytest.raises(SystemExit):
        check_full_size.main()
    assert '16 tokens an image, got (4096,)' in capsys.readouterr().err


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
