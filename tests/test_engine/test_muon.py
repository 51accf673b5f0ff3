"""Muon: orthogonal updates, its groups, and that a bad step is none."""
import copy

import pytest
import torch
from torch import nn

from rcg.engine import AutocastOptimWrapper, MuonAdamW, TwoGroupConstructor
from rcg.engine.optim import StepGuard
from rcg.engine.optim.muon import hidden_matrices, orthogonalize
from rcg.models.networks.mage_vit import MAGEViT
from rcg.models.networks.unet import UNet


class Net(nn.Module):
    """Two blocks of linear layers between a first and a last one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 24), nn.GELU(), nn.Linear(24, 8))
            for _ in range(2))
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def build(seed=0, **options):
    torch.manual_seed(seed)
    model = Net()
    wrapper = TwoGroupConstructor(dict(
        type='AutocastOptimWrapper', dtype='float32', optimizer=dict(
            dict(type='MuonAdamW', lr=.01, weight_decay=.1), **options)))(
        model)
    return model, wrapper


def train(model, wrapper, steps, bad=None, guard=None):
    for number in steps:
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(number))
        loss = model(x).square().mean()
        if number == bad:
            loss = loss * torch.nan
        wrapper.update_params(loss)
        if guard:
            assert guard.finish(number) == (number == bad)


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize('shape', [(8, 8), (6, 20), (20, 6), (1, 5), (96, 9)])
def test_singular_values_are_near_1_and_vectors_kept(shape):
    torch.manual_seed(0)
    x = torch.randn(3, *shape) * torch.tensor([1e-4, 1., 1e4])[:, None, None]
    found = orthogonalize(x)
    assert found.shape == x.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > .3 and values.max() < 1.25
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    inside = u.mT @ found @ vh.mT  # (3, r, r)
    torch.testing.assert_close(
        inside, torch.diag_embed(inside.diagonal(dim1=1, dim2=2)),
        atol=2e-3, rtol=0)
    torch.testing.assert_close(orthogonalize(x[1:2])[0], found[1])


def test_a_matrix_of_zeros_stays_one():
    assert not orthogonalize(torch.zeros(2, 3, 4)).any()


def test_the_first_step_by_hand():
    model, wrapper = build(momentum=.8, rms=.3)
    before = weights(model)
    loss = model(torch.ones(2, 3)).square().mean()
    grad, = torch.autograd.grad(
        loss, [model.blocks[0][0].weight], retain_graph=True)
    wrapper.update_params(loss)
    # Nesterov: .2 g is the momentum, g + .8 (.2 g - g) the update, whose
    # scale the orthogonal matrix forgets.
    step = .01 * .3 * 24**.5 * orthogonalize(grad[None])[0]
    torch.testing.assert_close(
        model.blocks[0][0].weight.detach(),
        before['blocks.0.0.weight'] * (1 - .01 * .1) - step)


def test_an_update_is_as_large_as_adamws():
    torch.manual_seed(0)
    for shape in (64, 64), (32, 128), (128, 32):
        matrix = nn.Parameter(torch.zeros(shape))
        matrix.grad = torch.randn(shape)
        MuonAdamW([dict(params=[matrix], muon=True)], lr=1., rms=.2).step()
        rms = matrix.detach().square().mean().sqrt()
        assert .15 < rms < .25, shape


def test_it_is_the_muon_of_pytorch():
    """Whose products are in bfloat16, so that directions differ a little."""
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.zeros(24, 40)) for _ in range(2))
    mine = MuonAdamW([dict(params=[ours], muon=True)], lr=.1,
                     weight_decay=.2, momentum=.9)
    reference = torch.optim.Muon([theirs], lr=.1, weight_decay=.2,
                                 momentum=.9, nesterov=True,
                                 adjust_lr_fn='match_rms_adamw')
    for _ in range(6):
        ours.grad = theirs.grad = torch.randn(24, 40)
        mine.step()
        reference.step()
    error = (ours - theirs).norm() / theirs.norm()
    assert error < .02, error


def test_all_else_has_the_steps_of_adamw():
    ours, theirs = Net(), Net()
    theirs.load_state_dict(ours.state_dict())
    settings = dict(lr=.01, betas=(.9, .95), weight_decay=.1)
    optimizers = [MuonAdamW(ours.parameters(), **settings),
                  torch.optim.AdamW(theirs.parameters(), fused=True,
                                    **settings)]
    for model, optimizer in zip((ours, theirs), optimizers, strict=True):
        train(model, AutocastOptimWrapper('float32', optimizer=optimizer),
              range(4))
    for name, weight in weights(theirs).items():
        assert torch.equal(weight, weights(ours)[name]), name


def test_groups_of_a_model():
    model, wrapper = build()
    names = {p: name for name, p in model.named_parameters()}
    groups = [({names[p] for p in group['params']}, group['muon'],
               group['weight_decay'])
              for group in wrapper.optimizer.param_groups]
    blocks = {f'blocks.{i}.{j}' for i in range(2) for j in (0, 2)}
    assert groups == [
        ({f'{name}.bias' for name in ('first', 'last', *blocks)}, False, 0.),
        ({'first.weight', 'last.weight'}, False, .1),
        ({f'{name}.weight' for name in blocks}, True, .1)]


def test_embeddings_and_head_are_no_hidden_matrices():
    half = dict(dim=8, depth=1, num_heads=2)
    model = MAGEViT(num_codes=5, num_tokens=4, encoder=half, decoder=half,
                    condition=dict(type='RepresentationCondition', rep_dim=3),
                    embedding=dict(tied_head=False))
    found = hidden_matrices(model)
    names = {name for name, p in model.named_parameters() if p in found}
    assert names == {
        f'{half}.0.{layer}.weight' for half in ('blocks', 'decoder_blocks')
        for layer in ('attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2')}


def test_convolutions_stay_with_adamw():
    model = UNet(4, 3, 8, (1, ), 1, (0, ), form=dict(head_dim=4, groups=2))
    wrapper = TwoGroupConstructor(dict(
        optimizer=dict(type='MuonAdamW'), dtype='float32'))(model)
    axes = {group['muon']: {p.ndim for p in group['params']}
            for group in wrapper.optimizer.param_groups[1:]}
    assert axes == {False: {2, 4}, True: {2}}


def test_a_state_that_was_saved_goes_on_with_the_same_bits():
    model, wrapper = build()
    train(model, wrapper, range(3))
    other, resumed = build(seed=1)
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    resumed.load_state_dict(copy.deepcopy(wrapper.state_dict()))
    train(model, wrapper, range(3, 6))
    train(other, resumed, range(3, 6))
    for name, weight in weights(model).items():
        assert torch.equal(weight, weights(other)[name]), name


@pytest.mark.parametrize('bad', [0, 2])
def test_a_bad_step_leaves_everything_as_it_was(bad):
    """The first one, of which the host learns, and later ones."""
    model, wrapper = build()
    train(model, wrapper, range(5), bad, StepGuard([wrapper], model))
    expected, plain = build()
    train(expected, plain, [number for number in range(5) if number != bad])
    for name, weight in weights(expected).items():
        assert torch.equal(weight, weights(model)[name]), name


def test_the_guard_does_not_change_good_steps():
    model, wrapper = build()
    train(model, wrapper, range(4), guard=StepGuard([wrapper], model))
    expected, plain = build()
    train(expected, plain, range(4))
    for name, weight in weights(expected).items():
        assert torch.equal(weight, weights(model)[name]), name


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(lr=-1.), 'lr=-1'), (dict(momentum=1.), 'momentum'),
    (dict(betas=(.9, 1.)), 'betas'), (dict(rms=0.), 'rms')])
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        MuonAdamW(nn.Linear(2, 2).parameters(), **settings)


def test_without_a_group_of_muon_it_warns(monkeypatch):
    said = []
    monkeypatch.setattr('rcg.engine.optim.muon.print_log',
                        lambda text, **_: said.append(text))
    build()
    assert said == []
    MuonAdamW(nn.Linear(2, 2).parameters())
    assert "constructor='TwoGroupConstructor'" in said[0]


def test_shards_are_refused(monkeypatch):
    monkeypatch.setattr('rcg.engine.optim.muon.is_shard', lambda _: True)
    with pytest.raises(ValueError, match='whole matrices'):
        build()


def test_what_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r'\(2, 3, 3, 3\).*AdamW'):
        MuonAdamW([dict(params=nn.Conv2d(3, 2, 3, bias=False).parameters(),
                        muon=True)])
