"""A device that cannot be used is refused in one sentence."""
import pytest
import torch

from rcg import apis
from rcg.engine.devices import shown_gpus_without_use, usable_device
from rcg.verification.metrics.check import verify_metrics
from rcg.verification.parity.pack import verify_pack

from .running import build_runner


@pytest.mark.parametrize(('device', 'text'), [
    ('cuda', 'no NVIDIA GPU or driver that answers'),
    ('cuda:7', 'no NVIDIA GPU or driver that answers'),
    ('nonsense', 'Expected one of cpu, cuda'),
    ('meta', 'no data'),
    ('mps', 'MPS'),
    (-1, 'must not be negative'),
])
def test_the_reason_and_what_there_is_are_told(monkeypatch, device, text):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match=text) as caught:
        usable_device(device)
    told = str(caught.value)
    assert told.startswith(f"device '{device}' cannot be used: ")
    assert told.endswith('There is cpu. Give one of these, or none for the '
                         'best.')
    assert len(told) < 350


def test_gpus_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(ValueError, match='there are 2 of them. There is cpu, '
                                         'cuda:0, cuda:1'):
        usable_device('cuda:7')


def test_a_device_that_works_is_given_back():
    assert usable_device('cpu') == torch.device('cpu')
    assert usable_device(torch.device('cpu')) == torch.device('cpu')
    wanted = 'cuda' if torch.cuda.is_available() else 'cpu'
    assert usable_device() == torch.device(wanted)


CALLS = {
    'inferencer': lambda: apis.RCGInferencer('gone.py', 'gone', 'nonsense'),
    'samples': lambda: apis.sample_images(
        'configs/digits/mage.py', 'gone', device='nonsense'),
    'given images': lambda: apis.redraw_images(
        'configs/digits/mage.py', 'gone', ['gone'], device='nonsense'),
    'pairs': lambda: apis.interpolate_images(
        'configs/digits/mage.py', 'gone', [('0', '1')], device='nonsense'),
    'scores': lambda: apis.score_images('gone', ['gone'], device='nonsense'),
    'statistics': lambda: apis.write_reference_statistics(
        'gone', 'gone.npz', device='nonsense'),
    'tokenizer': lambda: apis.measure_tokenizer(
        'gone.py', 'gone', 'gone', device='nonsense'),
    'full size': lambda: apis.check_full_size('gone.py', device='nonsense'),
    'metrics': lambda: verify_metrics(expected='gone', device='nonsense'),
    'pack': lambda: verify_pack('gone', device='nonsense'),
}


@pytest.mark.parametrize('name', CALLS)
def test_the_device_is_looked_at_before_anything_else(name):
    with pytest.raises(ValueError, match="device 'nonsense' cannot be used"):
        CALLS[name]()


def test_a_run_without_the_gpus_that_it_was_shown_warns(
        tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for shown in ('', '-1'):
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', shown)
        assert shown_gpus_without_use() is None
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '7')
    build_runner(tmp_path)
    assert ('CUDA_VISIBLE_DEVICES=7 asks for a GPU, but PyTorch finds no '
            'NVIDIA GPU') in capsys.readouterr().out
