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
