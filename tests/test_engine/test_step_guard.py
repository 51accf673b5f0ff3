"""A skipped step is no step, for every optimizer."""
import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from torch.amp import GradScaler

from rcg.engine.optim import AutocastOptimWrapper, JointOptimWrapper, StepGuard

KINDS = {
    'SGD': {}, 'SGD momentum': dict(momentum=.9, dampening=.5),
    'SGD fused': dict(momentum=.9, dampening=.5, fused=True),
    'Adam': {}, 'Adam fused': dict(fused=True),
    'Adam amsgrad fused': dict(amsgrad=True, fused=True),
    'AdamW': {}, 'AdamW fused': dict(fused=True), 'AdamW tensor lr': dict(
        lr=torch.tensor(.1)),
    'Adagrad': dict(lr_decay=.1), 'Adagrad fused': dict(fused=True),
    'Adamax': {}, 'NAdam': {}, 'RAdam': {}, 'Adadelta': {}, 'ASGD': {},
    'RMSprop': dict(momentum=.9), 'Rprop': {}, 'Adafactor': {}, 'Muon': {},
}
BAD = float('nan'), float('inf'), -float('inf')


def build(name, bias=True, wrapper=AutocastOptimWrapper, **options):
    torch.manual_seed(0)
    bias = bias and name != 'Muon'
    model = nn.Sequential(nn.Linear(3, 4, bias), nn.Linear(4, 2, bias))
    settings = {'lr': .1, **KINDS[name]}
    if not name.startswith('Rprop'):
        settings.setdefault('weight_decay', .1)
    optimizer = getattr(torch.optim, name.split()[0])(
        model.parameters(), **settings)
    return model, wrapper(optimizer=optimizer, **options)


def step(model, wrapper, number, bad=None):
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(number))
    loss = model(x).square().mean()
    if bad is not None:
        loss = loss * torch.tensor(bad)
    wrapper.update_params(loss)


def state(model, wrapper):
    found = {name: p.detach().clone() for name, p in model.named_parameters()}
    moments = copy.deepcopy(wrapper.optimizer.state_dict())['state']
    for i, entries in moments.items():
        found |= {f'{i}.{key}': torch.as_tensor(value)
                  for key, value in entries.items() if value is not None}
    return found


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize('name', KINDS)
def test_a_bad_step_leaves_everything_as_it_was(name):
    guarded, plain = build(name), build(name)
    guard = StepGuard([guarded[1]], guarded[0])
    skipped = []
    for i in range(9):
        bad = BAD[i // 3] if i % 3 == 0 else None  # the first step, too
        step(*guarded, i, bad)
        skipped.append(float(guard.finish(i)))
        if bad is None:
            step(*plain, i)
    assert skipped == [1., 0., 0.] * 3
    assert_same(state(*guarded), state(*plain))
    assert not hasattr(guarded[1].optimizer, 'found_inf')


@pytest.mark.parametrize('clip', [
    dict(max_norm=.1), dict(type='value', clip_value=.1)])
@pytest.mark.parametrize('name', ['AdamW fused', 'SGD'])
def test_clipping_hides_nothing(name, clip):
    """Clipped by value, infinity is finite; by norm, all would be NaN."""
    model, wrapper = build(name, clip_grad=dict(clip))
    guard = StepGuard([wrapper], model)
    step(model, wrapper, 0)
    before = state(model, wrapper)
    for i, bad in enumerate(BAD, 1):
        model(torch.ones(1, 3)).sum().backward()
        model[0].weight.grad[0, 0] = bad
        wrapper.step()
        wrapper.zero_grad()
        assert guard.finish(i) == 1
        assert_same(state(model, wrapper), before)


def test_a_bad_loss_with_good_gradients():
    model, wrapper = build('AdamW fused')
    guard = StepGuard([wrapper], model)
    step(model, wrapper, 0)
    before = state(model, wrapper)
    wrapper.update_params(
        model(torch.ones(1, 3)).sum() + torch.tensor(float('inf')))
    assert guard.finish(1) == 1
    assert_same(state(model, wrapper), before)


def test_one_bad_batch_of_an_accumulated_step():
    guarded = build('AdamW fused', accumulative_counts=3)
    plain = build('AdamW fused', accumulative_counts=3)
    guard = StepGuard([guarded[1]], guarded[0])
    for i in range(9):
        step(*guarded, i, BAD[0] if i == 3 else None)
        if i % 3 == 2:
            assert guard.finish(i) == (i == 5)
        if i // 3 != 1:
            step(*plain, i)
    assert_same(state(*guarded), state(*plain))


def test_buffers_return_to_before_the_step():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    wrapper = AutocastOptimWrapper(
        optimizer=torch.optim.AdamW(model.parameters(), fused=True))
    guard = StepGuard([wrapper], model)
    step(model, wrapper, 0)
    guard.finish(0)
    before = {name: value.clone() for name, value in model.named_buffers()}
    wrapper.update_params(model(torch.full((5, 3), torch.nan)).mean())
    assert model[1].running_mean.isnan().all()
    guard.finish(1)
    for name in ('1.running_mean', '1.running_var'):
        assert torch.equal(model.get_buffer(name), before[name])
    step(model, wrapper, 1)
    guard.finish(2)
    assert not torch.equal(model[1].running_mean, before['1.running_mean'])


@pytest.mark.parametrize('first', [0, 1])
def test_all_optimizers_skip_together(first):
    """Those of a tokenizer and of its discriminator, for one."""
    models, wrappers = zip(build('AdamW fused'), build('SGD momentum'),
                           strict=True)
    guard = StepGuard(list(wrappers), nn.ModuleList(models))
    for i in range(2):
        before = [state(*pair) for pair in zip(models, wrappers, strict=True)]
        for model in models:
            model(torch.ones(1, 3)).sum().backward()
        if i == 1:
            models[first][0].weight.grad[0, 0] = torch.nan
        for wrapper in wrappers:
            wrapper.step()
            wrapper.zero_grad()
        assert guard.finish(i) == i
    for pair, old in zip(zip(models, wrappers, strict=True), before,
                         strict=True):
        assert_same(state(*pair), old)


@pytest.mark.parametrize('first', [AutocastOptimWrapper, OptimWrapper])
def test_a_bad_loss_that_several_optimizers_share(first):
    """Its gradients are finite: the loss alone says it."""
    pairs = [build('AdamW fused', wrapper=first), build('SGD momentum')]
    models, (a, b) = zip(*pairs, strict=True)
    joint = JointOptimWrapper(a=a, b=b)
    guard = StepGuard([a, b], nn.ModuleList(models))
    for i, extra in enumerate((0., torch.inf)):
        before = [state(*pair) for pair in pairs]
        joint.update_params(sum(model(torch.ones(1, 3)).sum()
                                for model in models) + torch.tensor(extra))
        assert guard.finish(i) == i
    for pair, old in zip(pairs, before, strict=True):
        assert_same(state(*pair), old)


class Scaled(OptimWrapper):
    """MMEngine's AmpOptimWrapper asks for a GPU; this one does not."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.loss_scaler = GradScaler('cpu', init_scale=2.**16)

    def backward(self, loss, **kwargs):
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs):
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()


@pytest.mark.parametrize('name', ['AdamW fused', 'AdamW', 'SGD momentum'])
def test_with_a_grad_scaler(name):
    guarded, plain = (build(name, wrapper=Scaled) for _ in range(2))
    guard = StepGuard([guarded[1]], guarded[0])
    for i in range(6):
        bad = BAD[0] if i in (0, 3) else None
        step(*guarded, i, bad)
        assert guard.finish(i) == (bad is not None)
        step(*plain, i, bad)  # the scaler's own skipping
    if name != 'AdamW fused':  # whose first step creates its moments
        assert_same(state(*guarded), state(*plain))
    assert guarded[1].loss_scaler.get_scale() == 2.**14


def test_removed_guards_leave_steps_alone():
    model, wrapper = build('AdamW fused')
    StepGuard([wrapper], model).remove()
    step(model, wrapper, 0, BAD[0])
    assert model[0].weight.isnan().all()


def test_odd_gradients():
    """Sparse, complex, half, double and empty ones, and none."""
    parameters = [nn.Parameter(torch.ones(2, dtype=kind)) for kind in (
        torch.float32, torch.bfloat16, torch.float64, torch.complex64)]
    parameters += [nn.Parameter(torch.ones(0)), nn.Parameter(torch.ones(2))]
    table = nn.Embedding(3, 2, sparse=True)
    model = nn.ParameterList(parameters)
    wrapper = OptimWrapper(optimizer=torch.optim.SGD(
        [*parameters, table.weight], lr=.1))
    guard = StepGuard([wrapper], model)
    for bad in (None, 0, 1, 2, 3, 'table'):
        before = [p.detach().clone() for p in [*parameters, table.weight]]
        sum(p.abs().sum() for p in parameters[:-1]).backward()
        table(torch.tensor([1, 1])).sum().backward()
        if bad == 'table':
            table.weight.grad._values()[0] = torch.inf
        elif bad is not None:
            parameters[bad].grad[1] = torch.nan
        wrapper.step()
        wrapper.zero_grad()
        assert guard.finish(repr(bad)) == (bad is not None)
        same = [torch.equal(p, old) for p, old in zip(
            [*parameters, table.weight], before, strict=True)]
        assert all(same) if bad is not None else same == [
            False, False, False, False, True, True, False]
