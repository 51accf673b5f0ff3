"""tools/verify_metrics.py on few images."""
import pytest
import torch

from rcg.verification.metrics import material, scores
from tools import verify_metrics


@pytest.mark.slow
def test_recorded_values_are_met(tmp_path, monkeypatch, capsys):
    """Few images: the whole comparison, against torch-fidelity here."""
    monkeypatch.setattr(material, 'NUM_IMAGES', 12)
    monkeypatch.setitem(scores.KID, 'subset_size', 6)
    monkeypatch.setenv('RCG_CACHE', '')
    state, weights = material.random_weights(), tmp_path / 'weights.pth'
    monkeypatch.setattr(material, 'random_weights', lambda: state)
    torch.save(state, weights)

    def run(*args):
        return verify_metrics.run(verify_metrics.parse_args(
            ['--device', 'cpu', *map(str, args)]))

    path = tmp_path / 'mine.json'
    run('--weights', weights, '--record', path)
    assert run('--weights', weights, '--expected', path)
    assert 'PASS: scores' in capsys.readouterr().out
    with pytest.raises(ValueError, match='made with other images. This mach'):
        run()
