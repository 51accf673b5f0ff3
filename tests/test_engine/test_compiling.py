"""What compile=True does to a model; see also test_runner.py."""
import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rcg.engine import compiling
from rcg.frozen import Frozen, HasFrozenParts


class Loop(nn.Module):
    compiled_children = ('net', )

    def __init__(self):
        super().__init__()
        self.net, self.captured = nn.Linear(2, 2), False

    def capture_sampling(self):
        self.captured = True


class Model(HasFrozenParts, Loop):

    def __init__(self, device):
        super().__init__()
        self.part, self.device = Frozen(Loop()), device

    def parameters(self):
        yield SimpleNamespace(is_cuda=self.device == 'cuda')


@pytest.mark.parametrize(('device', 'options', 'wanted'), [
    ('cuda', {}, True), ('cpu', {}, False),
    ('cuda', {'capture': False}, False),
    ('cuda', {'mode': 'reduce-overhead'}, False),
    ('cuda', {'options': {'triton.cudagraphs': True}}, False)])
def test_loops_are_captured_on_a_gpu(monkeypatch, device, options, wanted):
    """Those of frozen parts, too, but none within graphs of torch.compile."""
    given = []
    monkeypatch.setattr(compiling, 'compile_words',
                        lambda **options: given.append(options))
    monkeypatch.setattr(nn.Module, 'compile',
                        lambda self, **options: given.append(options))
    model = Model(device)
    compiling.compile_networks(SimpleNamespace(
        cfg=dict(compile=options or True), model=model, model_name='Model',
        logger=logging.getLogger('test')))
    assert model.captured == model.part.captured == wanted
    assert len(given) == 2 + (device == 'cuda')
    assert all('capture' not in options for options in given)


def test_captured_loops_are_named():
    assert compiling.capture_loops(Model(torch.device('cpu'))) == [
        'Model', 'Loop']
