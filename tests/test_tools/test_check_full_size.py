"""tools/check_full_size.py on a small model."""
import json

import pytest

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
