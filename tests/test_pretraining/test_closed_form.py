import pytest
import torch
from mmengine.registry import root
from torch import nn

from rcg.pretraining.closed_form import NoOptimizer, NoWrapper


def test_no_optimizer_takes_no_options():
    with pytest.raises(ValueError, match="got \\['optimizer'\\]"):
        NoOptimizer(dict(optimizer=dict(type='SGD')))


def test_no_wrapper_leaves_the_model_alone():
    model = nn.Linear(2, 2)
    cfg = dict(type='rcg.NoWrapper', module=model, broadcast_buffers=False)
    # Through MMEngine's own registry, where its Runner looks.
    assert issubclass(root.MODEL_WRAPPERS.get(cfg['type']), NoWrapper)
    assert root.MODEL_WRAPPERS.build(cfg) is model


def test_no_optimizer_has_a_context():
    """What tries a loss before features are stored asks for it."""
    model = nn.Linear(2, 2)
    wrapper = NoOptimizer({})(model)
    with wrapper.optim_context(model):
        assert model(torch.ones(1, 2)).dtype == torch.float32
