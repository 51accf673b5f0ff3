"""The weight average: what it holds, what it shares, who sees it."""
import copy

import pytest
import torch
from torch import nn

from rcg.engine import TrainableEMA, TrainableEMAHook

from ..running import build_runner


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


def find_hook(runner):
    return next(h for h in runner.hooks if isinstance(h, TrainableEMAHook))


def test_evaluation_has_the_average_and_training_goes_on_without(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    hook, seen = find_hook(runner), []
    run = runner.val_loop.run

    def look():
        trained = runner.model.net[0].weight.clone()
        averaged = hook.ema_model.module.net[0].weight.clone()
        runner.call_hook('before_val_epoch')
        seen.append(torch.equal(runner.model.net[0].weight, averaged))
        runner.call_hook('after_val_epoch', metrics={})
        seen.append(torch.equal(runner.model.net[0].weight, trained))
        return run()

    runner.val_loop.run = look
    runner.train()
    assert seen == [True, True]
    assert hook.ema_model.num_updates == 4


def test_average_starts_from_what_was_loaded(tmp_path):
    build_runner(tmp_path / 'a', train_cfg__max_iters=2).train()
    runner = build_runner(tmp_path / 'b', load_from=str(tmp_path / 'a'),
                          train_cfg__max_iters=0)
    runner.train()
    loaded = torch.load(tmp_path / 'a' / 'iter_2.pth', weights_only=True)
    average = find_hook(runner).ema_model.module
    assert torch.equal(average.net[0].weight.cpu(),
                       loaded['state_dict']['net.0.weight'])


def test_testing_alone_makes_no_copy(tmp_path):
    runner = build_runner(tmp_path)
    runner.test()
    assert find_hook(runner).ema_model is None


def test_context_gives_the_weights_back_after_an_error(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=2)
    runner.train()
    before = runner.model.net[0].weight.clone()
    try:
        with find_hook(runner).averaged_weights():
            assert not torch.equal(runner.model.net[0].weight, before)
            raise RuntimeError
    except RuntimeError:
        pass
    assert torch.equal(runner.model.net[0].weight, before)


def test_average_may_take_the_weights_before_each_step(tmp_path):
    # As the published RDM's: with decay 0 the average is what was taken.
    runner = build_runner(tmp_path, train_cfg__max_iters=3, custom_hooks=[
        dict(type='TrainableEMAHook', decay=0., before_step=True)])
    hook, trained = find_hook(runner), []
    after = hook.after_train_iter

    def note(*args, **kwargs):
        after(*args, **kwargs)
        trained.append(runner.model.net[0].weight.clone())

    hook.after_train_iter = note
    runner.train()
    averaged = hook.ema_model.module.net[0].weight
    assert torch.equal(averaged, trained[-2])
    assert not torch.equal(averaged, trained[-1])
    assert hook.ema_model.num_updates == 3
