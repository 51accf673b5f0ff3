"""TF32 where it is asked for, and never for scores."""
import pytest
import torch
from torch.backends import cudnn

from rcg import precision
from rcg.evaluation.extractors.extractor import Extractor
from rcg.models.tokenizers.quantizer import VectorQuantizer

CPU = torch.device('cpu')
PLACES = (torch.backends, torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn,
          torch.backends.mkldnn.matmul)


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """As with a GPU; the process's own come back."""
    before = now(), [place.fp32_precision for place in PLACES]
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    yield
    torch.set_float32_matmul_precision(before[0][0])
    cudnn.allow_tf32 = before[0][1]
    for place, value in zip(PLACES, before[1], strict=True):
        place.fp32_precision = value


def now():
    return torch.get_float32_matmul_precision(), cudnn.allow_tf32


def everything():
    """Settings of the old and the new interface; None for one that raises."""
    values = [place.fp32_precision for place in PLACES]
    for getter in (torch.get_float32_matmul_precision,
                   lambda: cudnn.allow_tf32,
                   lambda: torch.backends.cuda.matmul.allow_tf32):
        try:
            values.append(getter())
        except RuntimeError:
            values.append(None)
    return values


@pytest.mark.parametrize('products', ['highest', 'high', 'medium'])
@pytest.mark.parametrize('convolutions', [True, False])
def test_both_settings_come_back_also_when_they_differ(products,
                                                       convolutions):
    torch.set_float32_matmul_precision(products)
    cudnn.allow_tf32 = convolutions
    before = everything()
    with precision.exact_float32(CPU):
        assert now() == ('highest', False)
        with precision.exact_float32(CPU):
            assert now() == ('highest', False)
        assert now() == ('highest', False)
    assert now() == (products, convolutions)
    assert everything() == before
    with pytest.raises(ZeroDivisionError), precision.exact_float32(CPU):
        raise ZeroDivisionError
    assert everything() == before


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('value', ['tf32', 'ieee'])
def test_settings_of_the_new_interface_come_back(place, value):
    # Some of these make the getters of the old interface raise.
    place.fp32_precision = value
    before = everything()
    with precision.exact_float32(CPU):
        assert now() == ('highest', False)
        assert all(place.fp32_precision == 'ieee' for place in PLACES[1:])
    assert everything() == before


def test_without_the_new_interface_the_old_one_is_enough(monkeypatch):
    monkeypatch.setattr(precision, '_operations', list)
    torch.set_float32_matmul_precision('high')
    cudnn.allow_tf32 = False
    with precision.exact_float32(CPU):
        assert now() == ('highest', False)
    assert now() == ('high', False)


def test_without_a_gpu_exact_changes_nothing(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    before = everything()
    with precision.exact_float32(CPU):
        assert everything() == before
    assert everything() == before


def test_products_and_convolutions_agree():
    precision.set_float32('highest')
    assert now() == ('highest', False)
    precision.set_float32('high')
    assert now() == ('high', True)


def test_the_precision_in_use_is_known(monkeypatch):
    precision.set_float32('high')
    assert precision.float32_precision() == 'high'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert precision.float32_precision() == 'highest'


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
