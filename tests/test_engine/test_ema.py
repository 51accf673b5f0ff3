"""The weight average: what it holds and what it shares."""
import copy

import pytest
import torch
from torch import nn

from rcg.engine import TrainableEMA


class Net(nn.Module):

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.frozen = nn.Linear(3, 3).requires_grad_(False)


def test_without_warmup_every_update_has_the_same_weight():
    model = nn.Linear(1, 1, bias=False)
    average = TrainableEMA(model, decay=.75, warmup=False)
    start = model.weight.item()
    with torch.no_grad():
        model.weight.fill_(start + 1)
    average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(start + .25)


def test_only_trainable_weights_are_copied_and_averaged():
    model = Net()
    average = TrainableEMA(model)
    assert set(average.avg_parameters) == {
        'net.0.weight', 'net.0.bias', 'net.1.weight', 'net.1.bias'}
    assert average.module.frozen.weight is model.frozen.weight
    assert average.module.net[0].weight is not model.net[0].weight
    assert not any(p.requires_grad for p in average.parameters())


def test_buffers_are_copied():
    model = Net()
    average = TrainableEMA(model, decay=.5)
    model.net(torch.rand(8, 3) + 5)
    average.update_parameters(model)
    assert torch.equal(average.module.net[1].running_mean,
                       model.net[1].running_mean)
    assert int(average.module.net[1].num_batches_tracked) == 1


def test_swap_twice_is_nothing():
    model = Net()
    average = TrainableEMA(model)
    with torch.no_grad():
        model.net[0].weight.add_(1)
    before = copy.deepcopy(model.state_dict())
    averaged = average.module.net[0].weight.clone()
    average.swap(model)
    assert torch.equal(model.net[0].weight, averaged)
    average.swap(model)
    assert all(torch.equal(v, before[k])
               for k, v in model.state_dict().items())


def test_loading_takes_over_the_counter():
    model = Net()
    average, other = TrainableEMA(model), TrainableEMA(model)
    for _ in range(3):
        average.update_parameters(model)
    other.load_state_dict(average.state_dict())
    assert other.num_updates == 3


def test_decay_is_checked():
    with pytest.raises(ValueError, match='decay'):
        TrainableEMA(Net(), decay=1.)


def test_some_parameters_can_be_left_out():
    average = TrainableEMA(Net(), only=['net.1'])
    assert set(average.avg_parameters) == {'net.1.weight', 'net.1.bias'}
    with pytest.raises(ValueError, match='fits no trainable'):
        TrainableEMA(Net(), only=['nets'])


class Buffered(Net):
    """Buffers that never change, seldom change, and change uncounted."""

    def __init__(self):
        super().__init__()
        self.register_buffer('table', torch.arange(4.))
        self.register_buffer('codes', torch.zeros(4))

    def forward(self, x):
        return self.net(x)


def plain_update(average, model):
    """Every tensor by name and every buffer, at every step."""
    average.num_updates += 1
    average.steps.fill_(average.num_updates)
    n = average.num_updates
    weight = 1 - min(average.decay, (1 + n) / (10 + n))
    skipped = average.skipped is not None and bool(average.skipped)
    source = dict(model.named_parameters())
    with torch.no_grad():
        for name, ours in average.avg_parameters.items():
            ours.lerp_(source[name], 0. if skipped else weight)
        for ours, theirs in zip(average.module.buffers(), model.buffers(),
                                strict=True):
            ours.copy_(theirs)


@pytest.mark.parametrize('guarded', [False, True])
def test_pairs_built_once_average_as_those_of_every_step(guarded):
    torch.manual_seed(0)
    model = Buffered()
    average, plain = TrainableEMA(model), TrainableEMA(model)
    for step in range(8):
        model(torch.randn(5, 3)).square().sum().backward()
        with torch.no_grad():
            for p in model.net.parameters():
                p -= .1 * p.grad
        if step in (2, 5):
            model.codes += 1
        if step == 4:  # replaced, as a move to another device does
            model.codes = model.codes + 1
        if guarded:
            flag = torch.tensor(float(step == 3))
            average.skipped = plain.skipped = flag
        average.update_parameters(model)
        plain_update(plain, model)
        wanted = plain.state_dict()
        for name, value in average.state_dict().items():
            assert torch.equal(value, wanted[name]), (step, name)


def test_a_step_lists_no_parameters_and_copies_no_constant_buffer():
    model = Buffered()
    average = TrainableEMA(model)
    average.update_parameters(model)
    version = average.module.table._version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Buffered, 'named_parameters', None)
        patch.setattr(Buffered, 'buffers', None)
        average.update_parameters(model)
    assert average.module.table._version == version


def test_buffers_are_copied_again_after_loading_and_from_another_model():
    model, other = Buffered(), Buffered()
    other.codes += 5
    average = TrainableEMA(model)
    average.update_parameters(model)
    average.load_state_dict(TrainableEMA(other).state_dict())
    average.update_parameters(model)
    assert torch.equal(average.module.codes, model.codes)
    average.update_parameters(other)
    assert torch.equal(average.module.codes, other.codes)
