"""Attention over feature maps, against loops over heads and places."""
import pytest
import torch
from torch import nn

from rcg.models.layers.spatial_attention import (
    SpatialSelfAttention,
    SpatialTransformer,
    TokenAttention,
    to_tokens,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def attend(q, k, v):
    """One head: (L, d), (M, d), (M, d) -> (L, d)."""
    return (q @ k.T / q.shape[1]**.5).softmax(1) @ v


def test_heads_first_then_query_key_and_value():
    layer, x = SpatialSelfAttention(8, 4, 2), torch.randn(1, 8, 3, 5)
    assert torch.equal(layer(x), x)  # at the start
    nn.init.eye_(layer.proj.weight)
    rows = layer.qkv(to_tokens(layer.norm(x)))[0]  # (L, 3 C)
    heads = [attend(*rows[:, start:start + 12].split(4, 1))
             for start in (0, 12)]
    mixed = torch.cat(heads, 1).T.view(1, 8, 3, 5)
    torch.testing.assert_close(layer(x), x + mixed)


def test_tokens_attend_to_others():
    layer = TokenAttention(8, 6, 4)
    x, context = torch.randn(1, 5, 8), torch.randn(1, 3, 6)
    q, k, v = layer.q(x)[0], layer.k(context)[0], layer.v(context)[0]
    mixed = torch.cat([attend(q[:, head], k[:, head], v[:, head])
                       for head in (slice(0, 4), slice(4, 8))], 1)
    torch.testing.assert_close(layer(x, context), layer.proj(mixed[None]))


def test_transformer_is_the_identity_at_the_start():
    layer, x = SpatialTransformer(8, 6, 4, 2), torch.randn(2, 8, 3, 5)
    assert torch.equal(layer(x, None, torch.randn(2, 3, 6)), x)


def test_one_context_token_needs_no_query():
    layer, x = SpatialTransformer(8, 6, 4, 2), torch.randn(2, 8, 2, 2)
    nn.init.normal_(layer.proj_out.weight)
    layer(x, None, torch.randn(2, 1, 6)).square().sum().backward()
    for part in (layer.cross_attn.q, layer.cross_attn.k, layer.norm_cross):
        assert part.weight.grad.abs().max() < 1e-6
    assert layer.cross_attn.v.weight.grad.abs().max() > 1e-3
    layer(x, None, torch.randn(2, 3, 6)).square().sum().backward()
    assert layer.cross_attn.q.weight.grad.abs().max() > 1e-3


def test_places_are_told_apart_by_what_is_there_only():
    layer = SpatialTransformer(8, 6, 4, 2)
    nn.init.normal_(layer.proj_out.weight)
    x, context = torch.randn(1, 8, 2, 3), torch.randn(1, 3, 6)
    mirrored = layer(x.flip(2, 3), None, context).flip(2, 3)
    torch.testing.assert_close(mirrored, layer(x, None, context))
