"""One backward pass, several optimizers."""
import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from rcg.engine.optim import JointConstructor, JointOptimWrapper
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS

SGD = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=.1))


class TwoParts(BaseModel):

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 1)

    def forward(self, x, mode):
        return dict(loss_out=self.b(self.a(x)).square().mean())


def build(model, **parts):
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(dict(
        type='JointConstructor', optim_wrapper_cfg=parts, paramwise_cfg=None))
    return constructor(model)


@pytest.fixture
def model():
    return TwoParts()


def test_each_part_has_its_learning_rate(model):
    wrapper = build(model, a=SGD, b=dict(SGD, optimizer=dict(
        type='SGD', lr=.3)))
    before = [p.detach().clone() for p in model.parameters()]
    x = torch.ones(3, 2)
    gradients = torch.autograd.grad(model(x, 'loss')['loss_out'],
                                    list(model.parameters()))
    logs = model.train_step(dict(x=x), wrapper)
    assert logs['loss'] == logs['loss_out']
    for p, old, gradient, lr in zip(model.parameters(), before, gradients,
                                    (.1, .1, .3, .3), strict=True):
        torch.testing.assert_close(p.detach(), old - lr * gradient)
        assert p.grad is None
    assert wrapper.get_lr()['b.lr'] == [.3, .3]


def test_accumulates_as_one_big_batch(model):
    parts = dict.fromkeys('ab', dict(SGD, accumulative_counts=2))
    wrapper, x = build(model, **parts), torch.randn(4, 2)
    start = [p.detach().clone() for p in model.parameters()]
    model.train_step(dict(x=x[:2]), wrapper)
    assert all(torch.equal(p, old)
               for p, old in zip(model.parameters(), start, strict=True))
    model.train_step(dict(x=x[2:]), wrapper)
    at_once = TwoParts()
    at_once.train_step(dict(x=x), build(at_once, a=SGD, b=SGD))
    for ours, wanted in zip(model.parameters(), at_once.parameters(),
                            strict=True):
        torch.testing.assert_close(ours, wanted)


def test_last_batches_count_though_they_do_not_fill_a_step(model):
    parts = dict.fromkeys('ab', dict(SGD, accumulative_counts=2))
    wrapper = build(model, **parts)
    wrapper.initialize_count_status(model, 0, 3)
    counts = []
    for _ in range(3):
        before = model.b.weight.detach().clone()
        model.train_step(dict(x=torch.ones(1, 2)), wrapper)
        counts.append(not torch.equal(model.b.weight, before))
    assert counts == [False, True, True]


def test_state_goes_to_a_checkpoint_and_back(model):
    parts = dict.fromkeys('ab', dict(type='OptimWrapper', optimizer=dict(
        type='AdamW', lr=.1)))
    wrapper = build(model, **parts)
    model.train_step(dict(x=torch.ones(1, 2)), wrapper)
    state = wrapper.state_dict()
    other = build(TwoParts(), **parts)
    other.load_state_dict(state)
    assert other.state_dict()['b']['state'].keys() == state['b'][
        'state'].keys()
    assert state['b']['state']


def test_parts_must_exist_and_cover_the_model(model):
    with pytest.raises(ValueError, match=r"part 'c', but .*\['a', 'b'"):
        build(model, a=SGD, c=SGD)
    with pytest.raises(ValueError, match=r"no optimizer .*'b.weight'"):
        build(model, a=SGD)
    model.b.requires_grad_(False)
    assert list(build(model, a=SGD).keys()) == ['a']


def test_what_cannot_be_joined(model):
    with pytest.raises(ValueError, match='same accumulative_counts'):
        build(model, a=SGD, b=dict(SGD, accumulative_counts=2))
    with pytest.raises(ValueError, match='belongs to a part'):
        JointConstructor(dict(a=SGD, b=SGD), dict(no_decay=['x']))
    wrappers = build(model, a=SGD, b=SGD).optim_wrappers
    wrappers['b'].loss_scaler = object()
    with pytest.raises(TypeError, match="'b' is a OptimWrapper, which scal"):
        JointOptimWrapper(**wrappers)
