"""The weight average: published numbers, what it holds, what it shares."""
import copy

import pytest
import torch
from torch import nn

from rcg.engine import TrainableEMA

from ..reference import Case, find_cases


class Net(nn.Module):

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.frozen = nn.Linear(3, 3).requires_grad_(False)


@pytest.mark.parametrize('name', find_cases('rdm_'))
def test_published_average(name):
    """Live weights are saved * (1 + 0.1 k) before update k = 1, ..., 5."""
    case = Case(name)
    prefix = 'model.'
    saved = {n.removeprefix(prefix): w for n, w in case.weights.items()
             if n.startswith(prefix + 'diffusion_model.')}
    start = {n: case.weights['model_ema.' + n.replace('.', '')].float()
             for n in saved}
    names = list(saved)
    model = nn.ParameterList(
        [nn.Parameter(start[n].clone()) for n in names])
    average = TrainableEMA(model, decay=.9999)
    for k in range(1, 6):
        with torch.no_grad():
            for parameter, n in zip(model, names, strict=True):
                parameter.copy_(saved[n].float() * (1 + .1 * k))
        average.update_parameters(model)
    assert average.num_updates == int(average.steps) == 5
    for parameter, n in zip(average.module, names, strict=True):
        wanted = case['ema_after5.' + n.replace('.', '')]
        assert (parameter - wanted).abs().max() <= 1e-5 * wanted.abs().max()


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
