"""Parameter groups, accumulation, clipping, autocast."""
import pytest
import torch
from torch import nn

from rcg.engine import AutocastOptimWrapper, TwoGroupConstructor

from .running import build_runner


class Net(nn.Module):

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.ones(1, 1, 4))
        self.net = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.wide_bias = nn.ParameterDict(
            {'bias': nn.Parameter(torch.ones(2, 2))})


def build(model, paramwise_cfg=None, **cfg):
    cfg = {'type': 'AutocastOptimWrapper', 'dtype': 'float32',
           'optimizer': {'type': 'AdamW', 'lr': .1, 'weight_decay': .3},
           **cfg}
    return TwoGroupConstructor(cfg, paramwise_cfg)(model)


def group_names(model, wrapper):
    names = {id(p): n for n, p in model.named_parameters()}
    return [({names[id(p)] for p in group['params']}, group['weight_decay'])
            for group in wrapper.optimizer.param_groups]


def test_two_groups_without_the_frozen():
    model = Net()
    wrapper = build(model, paramwise_cfg={'no_decay': ['token']})
    assert group_names(model, wrapper) == [
        ({'token', 'net.0.bias', 'net.1.weight', 'net.1.bias',
          'wide_bias.bias'}, 0.),
        ({'net.0.weight'}, .3)]
    assert wrapper.optimizer.defaults['fused']


def test_explicit_foreach_is_kept():
    wrapper = build(Net(), optimizer={'type': 'AdamW', 'lr': .1,
                                      'foreach': True})
    assert not wrapper.optimizer.defaults['fused']


def test_mistakes_in_paramwise_cfg():
    with pytest.raises(ValueError, match="'tokken'"):
        build(Net(), paramwise_cfg={'no_decay': ['tokken']})
    with pytest.raises(ValueError, match='norm_decay_mult'):
        TwoGroupConstructor({'optimizer': {}}, {'norm_decay_mult': 0.})
    with pytest.raises(ValueError, match='nothing can be learned'):
        build(nn.Linear(2, 2).requires_grad_(False))


def test_misspelt_optimizer_argument_names_the_nearest():
    with pytest.raises(TypeError, match="'weight_decay'"):
        build(Net(), optimizer={'type': 'AdamW', 'lr': 1., 'weight_dekay': 1})


def test_dtype_is_checked():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.)
    with pytest.raises(ValueError, match='AmpOptimWrapper'):
        AutocastOptimWrapper(dtype='float16', optimizer=optimizer)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float32'])
def test_autocast_computes_in_dtype_and_keeps_float32_weights(dtype):
    model = nn.Linear(4, 4)
    wrapper = build(model, dtype=dtype)
    with wrapper.optim_context(model):
        out = model(torch.rand(2, 4))
    assert out.dtype == getattr(torch, dtype)
    wrapper.update_params(out.float().square().mean())
    assert model.weight.dtype == torch.float32


def test_clipping_bounds_the_step_and_keeps_the_norm_as_a_tensor():
    model = nn.Linear(3, 1)
    before = model.weight.detach().clone()
    wrapper = build(model, clip_grad={'max_norm': .5},
                    optimizer={'type': 'SGD', 'lr': 1., 'foreach': True})
    wrapper.update_params(model(100 * torch.ones(1, 3)).sum())
    assert isinstance(wrapper.grad_norm, torch.Tensor)
    assert float(wrapper.grad_norm) == pytest.approx((3e4 + 1)**.5)
    moved = (model.weight.detach() - before).norm().item()
    assert moved == pytest.approx(.5, rel=1e-3)


def test_accumulation_equals_the_larger_batch(tmp_path):
    """Two micro-batches of 4 end where one batch of 8 ends."""
    common = {'model__dropout': 0., 'param_scheduler': [],
              'default_hooks__checkpoint__interval': 4,
              'custom_hooks': [{'type': 'TrainableEMAHook', 'decay': .9}]}
    small = build_runner(
        tmp_path / 'small', train_cfg__max_iters=8,
        optim_wrapper__accumulative_counts=2, **common)
    large = build_runner(tmp_path / 'large', train_cfg__max_iters=4,
                         train_dataloader__batch_size=8, **common)
    states = []
    for runner in (small, large):
        runner.train()
        average = runner.hooks[[type(h).__name__ for h in runner.hooks].index(
            'TrainableEMAHook')].ema_model
        assert average.num_updates == 4
        assert runner.optim_wrapper.optimizer.param_groups[0][
            'lr'] == pytest.approx(.64 * 8 / 256)
        states.append({**runner.model.state_dict(),
                       **average.module.net.state_dict(prefix='average.')})
    for name, value in states[0].items():
        if 'count' not in name:
            torch.testing.assert_close(value, states[1][name], rtol=1e-4,
                                       atol=1e-6)


def test_checkpoints_between_micro_batches_are_refused(tmp_path):
    runner = build_runner(tmp_path, optim_wrapper__accumulative_counts=3)
    with pytest.raises(ValueError, match='multiple of accumulative_counts'):
        runner.train()
