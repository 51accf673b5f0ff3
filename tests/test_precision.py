"""TF32 where it is asked for, and never for scores."""
import pytest
import torch
from torch.backends import cudnn

from rcg import precision
from rcg.evaluation.extractors.extractor import Extractor
from rcg.models.tokenizers.quantizer import VectorQuantizer


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """As with a GPU; the process's own come back."""
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    yield
    torch.set_float32_matmul_precision(before[0])
    cudnn.allow_tf32 = before[1]


def now():
    return torch.get_float32_matmul_precision(), cudnn.allow_tf32


def test_products_and_convolutions_agree():
    precision.set_float32('highest')
    assert now() == ('highest', False)
    precision.set_float32('high')
    assert now() == ('high', True)


def test_without_a_gpu_nothing_changes(monkeypatch):
    before = now()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    precision.set_float32('high')
    assert now() == before


def test_features_of_scores_are_exact_and_then_all_is_as_before():
    class Network(torch.nn.Module):
        def forward(self, images):
            assert now() == ('highest', False)
            if not len(images):
                raise ValueError('no images')
            return {}

    precision.set_float32('high')
    extractor = Extractor(Network())
    extractor(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
    assert now() == ('high', True)
    with pytest.raises(ValueError, match='no images'):
        extractor(torch.zeros(0, 3, 2, 2, dtype=torch.uint8))
    assert now() == ('high', True)


def test_nearest_codes_are_exact(monkeypatch):
    quantizer = VectorQuantizer(num_codes=3, dim=2)
    distances, seen = quantizer._distances, []
    monkeypatch.setattr(quantizer, '_distances', lambda z, e: (
        seen.append((*now(), torch.is_autocast_enabled('cpu')))
        or distances(z, e)))
    precision.set_float32('high')
    with torch.autocast('cpu', torch.bfloat16):
        quantizer.nearest(torch.randn(4, 2))
    assert seen == [('highest', False, False)]
    assert now() == ('high', True)
