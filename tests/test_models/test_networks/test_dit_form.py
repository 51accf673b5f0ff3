"""Options of DiT: each alone, in pairs, and none of them."""
from itertools import combinations

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn import functional as F

from rcg.models.layers.embeddings import position_table, timestep_embedding
from rcg.models.networks import DiT
from tests.test_models import tiny

OPTIONS = [
    dict(rms_norm=True), dict(swiglu=True), dict(rotary=True),
    dict(qk_norm=True), dict(context_tokens=3),
    dict(context_tokens=2, context_start=1), dict(bottleneck_dim=3),
    dict(head=dict(dim=24, depth=1, num_heads=3))]
PAIRS = [{**a, **b} for a, b in combinations(OPTIONS, 2)]
ALL = {name: value for option in OPTIONS for name, value in option.items()}


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(form=None, **changes):
    cfg = {**tiny.diffusion()['network'], 'form': form, **changes}
    cfg.pop('type')
    return DiT(**cfg)


def awake(net):
    """With no parameter that keeps another one from mattering."""
    for p in net.parameters():
        nn.init.normal_(p, std=.1)
    return net


@pytest.mark.parametrize('form', [*OPTIONS, *PAIRS, ALL], ids=str)
@pytest.mark.parametrize('conditioned', [True, False])
def test_shape_gradients_and_every_parameter(form, conditioned):
    net = build(form, **({} if conditioned else dict(condition=None)))
    x, t = torch.randn(3, 2, 4, 4), torch.tensor([0, 500, 999])
    rep = torch.randn(3, 6)

    def call(rows=slice(None)):
        layer = net.condition_embed
        return net(x[rows], t[rows],
                   None if layer is None else layer(rep[rows]))

    assert torch.equal(call(), torch.zeros(3, 4, 4, 4))  # at the start
    awake(net)
    out = call()
    torch.testing.assert_close(call(slice(1, 2)), out[1:2])
    out.square().sum().backward()
    unused = {name for name, p in net.named_parameters()
              if p.grad is None or not p.grad.abs().max() > 0}
    assert unused <= {'condition_embed.null_condition'}


@pytest.mark.parametrize('form', OPTIONS, ids=str)
def test_each_option_changes_the_network(form):
    x, t = torch.randn(2, 2, 4, 4), torch.tensor([3, 700])
    plain, other = awake(build()), build(form)
    torch.manual_seed(1)
    awake(other)
    state = {**other.state_dict(), **{
        name: value for name, value in plain.state_dict().items()
        if name in other.state_dict()
        and value.shape == other.state_dict()[name].shape}}
    other.load_state_dict(state)
    assert not torch.allclose(other(x, t), plain(x, t), atol=1e-4)


@pytest.mark.parametrize('form', [*OPTIONS, ALL], ids=str)
def test_recomputed_blocks_give_the_same(form):
    x, t = torch.randn(2, 2, 4, 4), torch.tensor([3, 700])
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        net = awake(build(form, recompute=recompute, condition=None))
        net(x, t).square().sum().backward()
        gradients.append([p.grad for p in net.parameters()])
    assert all(map(torch.equal, *gradients))


@pytest.mark.parametrize('patch_size', [4, 8, 16, 32])
def test_patches_of_pixels(patch_size):
    net = awake(build(dict(bottleneck_dim=5, rotary=True), in_channels=3,
                      input_size=2 * patch_size, patch_size=patch_size,
                      learn_variance=False))
    x = torch.randn(2, 3, 2 * patch_size, 2 * patch_size)
    assert net(x, torch.tensor([.1, .9])).shape == x.shape


@pytest.mark.parametrize('start', [0, 1])
def test_context_tokens_carry_the_condition(start):
    """Even if blocks are not steered by it."""
    form = dict(context_tokens=2, context_start=start)
    net, other = awake(build(form)), build(form, condition=None)
    other.load_state_dict(net.state_dict(), strict=False)
    x, c = torch.randn(2, 4, 16), torch.randn(2, 16)
    tokens = net.context(x, c)
    assert torch.equal(tokens[:, 2:], x)
    torch.testing.assert_close(
        tokens[:, :2], net.context.vectors + c.unsqueeze(1))
    assert torch.equal(net.context(x, None)[:, :2],
                       net.context.vectors.expand(2, -1, -1))
    image, t = torch.randn(2, 2, 4, 4), torch.tensor([3, 700])
    assert torch.equal(net(image, t), other(image, t))


@pytest.mark.parametrize('form', [{}, ALL], ids=['plain', 'all'])
def test_hidden_tokens_are_those_of_the_patches(form):
    net = awake(build(form))
    x, t = torch.randn(2, 2, 4, 4), torch.tensor([3, 700])
    seen = []
    for block in net.blocks:
        block.register_forward_hook(lambda *args: seen.append(args[-1]))
    out, first = net(x, t, hidden_depth=1)
    again, last = net(x, t, hidden_depth=2)
    assert torch.equal(out, net(x, t))
    assert torch.equal(out, again)
    assert first.shape == last.shape == (2, 4, 16)
    assert torch.equal(first, seen[0][:, -4:])
    assert torch.equal(last, seen[1][:, -4:])


def test_head_sees_the_image_and_is_steered_by_each_token():
    net = awake(build(dict(head=dict(dim=24, depth=2, num_heads=3))))
    image, time = torch.randn(1, 2, 4, 4), torch.randn(1, 16)
    tokens = torch.randn(1, 4, 16)
    x, c = net.head(image, tokens, time)
    assert x.shape == c.shape == (1, 4, 24)
    changed = tokens.clone()
    changed[:, 1] += 1
    differs = (net.head(image, changed, time)[1] != c).any(-1)
    assert differs.tolist() == [[False, True, False, False]]
    assert not torch.equal(net.head(image + 1, tokens, time)[0], x)


def test_bad_forms():
    with pytest.raises(ValueError, match=r'in \[0, 2\).* got 3 and 2'):
        build(dict(context_tokens=3, context_start=2))
    with pytest.raises(ValueError, match='got -1 and 0'):
        build(dict(context_tokens=-1))
    with pytest.raises(ValueError, match='multiple of 4 channels, got 2'):
        build(dict(rotary=True), num_heads=8)
    with pytest.raises(TypeError, match='swigloo'):
        build(dict(swigloo=True))


class PlainDiT(nn.Module):
    """DiT as it was before it had options, in the order of its layers."""

    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Conv2d(2, 16, 2, 2)
        self.time_embed = nn.Sequential(nn.Linear(256, 16), nn.SiLU(),
                                        nn.Linear(16, 16))
        self.blocks = nn.ModuleList()
        for _ in range(2):
            block = nn.Module()
            block.attn, block.mlp = nn.Module(), nn.Module()
            block.attn.qkv = nn.Linear(16, 48)
            block.attn.proj = nn.Linear(16, 16)
            block.mlp.fc1, block.mlp.fc2 = nn.Linear(16, 64), nn.Linear(64, 16)
            block.modulation = nn.Linear(16, 96)
            self.blocks.append(block)
        self.output = nn.Module()
        self.output.modulation = nn.Linear(16, 32)
        self.output.linear = nn.Linear(16, 16)
        for layer in self.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                nn.init.xavier_uniform_(layer.weight.flatten(1))
                nn.init.zeros_(layer.bias)
        for layer in (self.output.linear, self.output.modulation,
                      *(block.modulation for block in self.blocks)):
            nn.init.zeros_(layer.weight)
        for layer in self.time_embed[::2]:
            nn.init.normal_(layer.weight, std=.02)

    def forward(self, x, t):
        c = F.silu(self.time_embed(timestep_embedding(t, 256)))
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = x + position_table(16, 2, row_first=False)

        def normed(x, shift, scale):
            x = F.layer_norm(x, (16, ), eps=1e-6)
            return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)

        for block in self.blocks:
            parts = block.modulation(c).chunk(6, 1)
            q, k, v = block.attn.qkv(normed(x, *parts[:2])).unflatten(
                -1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(q, k, v)
            x = x + parts[2].unsqueeze(1) * block.attn.proj(
                mixed.transpose(1, 2).flatten(2))
            x = x + parts[5].unsqueeze(1) * block.mlp.fc2(F.gelu(
                block.mlp.fc1(normed(x, *parts[3:5]))))
        x = self.output.linear(normed(x, *self.output.modulation(c).chunk(
            2, 1)))
        x = x.view(-1, 2, 2, 2, 2, 4)
        return torch.einsum('nhwpqc->nchpwq', x).reshape(-1, 4, 4, 4)


def test_without_options_it_is_dit_bit_for_bit():
    torch.manual_seed(0)
    net = build(condition=None)
    torch.manual_seed(0)
    plain = PlainDiT()
    state = plain.state_dict()
    assert list(net.state_dict()) == list(state)
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name]), name
    awake(net)
    plain.load_state_dict(net.state_dict())
    x, t = torch.randn(3, 2, 4, 4), torch.tensor([0, 500, 999])
    out, wanted = net(x, t), plain(x, t)
    assert torch.equal(out, wanted)
    out.square().sum().backward()
    wanted.square().sum().backward()
    for p, q in zip(net.parameters(), plain.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)
