"""Models come out of Runners and wrappers; others stay as they are."""
from types import SimpleNamespace

import pytest
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import Runner
from torch import nn

from rcg.engine.unwrapping import bare_model


@MODEL_WRAPPERS.register_module()
class ToyWrapper(nn.Module):

    def __init__(self, module):
        super().__init__()
        self.module = module


@pytest.mark.parametrize('wrap', [nn.Identity, ToyWrapper])
def test_model_or_its_runner(wrap):
    model = nn.Sequential()
    model.module = nn.Linear(1, 1)  # no wrapper, whatever it has
    model.model = nn.Linear(1, 1)
    given = model if wrap is nn.Identity else wrap(model)
    assert bare_model(given) is model
    assert bare_model(SimpleNamespace(model=given)) is model


def test_stock_runner(tmp_path):
    model = nn.Linear(1, 1)
    runner = Runner(model, str(tmp_path), experiment_name='bare')
    assert bare_model(runner) is model
