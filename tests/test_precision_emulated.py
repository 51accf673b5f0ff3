"""A CPU without instructions for a type says so once, wherever it is used."""
import pytest
import torch
from torch import nn

from rcg import precision
from rcg.engine import AutocastOptimWrapper
from rcg.models.sampling_precision import SamplingPrecision
from rcg.models.tokenizers.decoding import Decoding


class Up(nn.Conv2d):
    upsamplers = nn.ModuleList()


def train(dtype):
    model = nn.Linear(2, 2)
    wrapper = AutocastOptimWrapper(dtype, optimizer=torch.optim.SGD(
        model.parameters(), .1))
    for _ in range(2):
        with wrapper.optim_context(model):
            model(torch.ones(1, 2))


def draw(dtype):
    setting = SamplingPrecision(generator=dtype)
    for _ in range(2):
        with setting.of_generator(torch.device('cpu')):
            nn.Linear(2, 2)(torch.ones(1, 2))


def decode(dtype):
    decoding, up = Decoding(dtype), Up(1, 3, 1)
    for _ in range(2):
        decoding(up, torch.ones(1, 1, 2, 2))


USES = [(train, 'optim_wrapper.dtype'), (draw, 'model.sampling.generator'),
        (decode, 'model.sampling.decoder')]


@pytest.fixture
def messages(monkeypatch):
    said = []
    monkeypatch.setattr(precision, 'print_log',
                        lambda text, **kwargs: said.append((text, kwargs)))
    precision.warn_if_emulated.cache_clear()
    yield said
    precision.warn_if_emulated.cache_clear()


@pytest.mark.parametrize(('use', 'setting'), USES)
def test_a_type_that_is_emulated_is_named_once(monkeypatch, messages, use,
                                               setting):
    monkeypatch.setattr(precision, 'slowdown', lambda dtype: 53.2)
    use('bfloat16')
    [(text, how)] = messages
    assert 'bfloat16 takes 53 times as long' in text
    assert f'{setting}=float32' in text
    assert how == {'logger': 'current', 'level': 30}


@pytest.mark.parametrize(('use', 'setting'), USES)
def test_a_type_that_the_cpu_has_is_no_matter(monkeypatch, messages, use,
                                              setting):
    monkeypatch.setattr(precision, 'slowdown', lambda dtype: .5)
    use('bfloat16')
    assert not messages


@pytest.mark.parametrize(('use', 'setting'), USES)
def test_float32_is_not_measured(monkeypatch, messages, use, setting):
    monkeypatch.setattr(precision, 'slowdown', lambda dtype: 1 / 0)
    use('float32')
    assert not messages


def test_gpus_are_not_measured(monkeypatch, messages):
    monkeypatch.setattr(precision, 'slowdown', lambda dtype: 1 / 0)
    precision.warn_if_emulated(torch.bfloat16, 'cuda', 'a setting')
    assert not messages


def test_what_is_measured_is_a_ratio(monkeypatch):
    found = iter([[8, 8, 9], [2, 2, 5]])  # bfloat16, float32
    monkeypatch.setattr(precision.timeit, 'repeat',
                        lambda *args, **options: next(found))
    assert precision.slowdown.__wrapped__(torch.bfloat16) == 4.
