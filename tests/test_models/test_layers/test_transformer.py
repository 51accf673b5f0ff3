import pytest
import torch
from torch import nn

from rcg.models.layers.rotary import rotary_table
from rcg.models.layers.transformer import Attention, Block


def test_attention_is_softmax_of_scaled_products():
    torch.manual_seed(0)
    attention, x = Attention(8, num_heads=2, qkv_bias=True), torch.randn(3,
                                                                         5, 8)
    q, k, v = attention.qkv(x).chunk(3, -1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = (q[..., part] @ k[..., part].mT / 2).softmax(-1)
        heads.append(weights @ v[..., part])
    torch.testing.assert_close(attention(x),
                               attention.proj(torch.cat(heads, -1)))


def test_attention_refuses_a_width_that_heads_do_not_share():
    with pytest.raises(ValueError, match='multiple of num_heads, got 8 and 3'):
        Attention(8, num_heads=3)


@pytest.mark.parametrize('qkv_bias', [True, False])
def test_block_uses_every_parameter(qkv_bias):
    block = Block(8, 2, mlp_ratio=2., qkv_bias=qkv_bias)
    out = block(torch.randn(2, 5, 8))
    assert out.shape == (2, 5, 8)
    out.square().sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    assert (block.attn.qkv.bias is not None) == qkv_bias


def test_block_drops_in_training_only():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 8)
    for kwargs in (dict(drop=.5), dict(attn_drop=.5)):
        block = Block(8, 2, **kwargs)
        assert not torch.equal(block(x), block(x))
        block.eval()
        assert torch.equal(block(x), block(x))


def test_block_norms_and_activation_are_the_published_ones():
    block = Block(8, 2)
    assert block.norm1.eps == block.norm2.eps == 1e-6
    assert isinstance(block.mlp.act, nn.GELU)
    assert block.mlp.act.approximate == 'none'


def test_qk_norm_bounds_products():
    torch.manual_seed(0)
    attention = Attention(16, num_heads=2, qk_norm=True)
    seen = []
    for norm in (attention.q_norm, attention.k_norm):
        norm.register_forward_hook(lambda *args: seen.append(args[-1]))
    x = 1000 * torch.randn(2, 5, 16)
    attention(x)
    q, k = seen  # each (N, H, L, d)
    assert (q @ k.mT / 8**.5).abs().max() <= 8**.5 + 1e-5
    torch.testing.assert_close(q.square().mean(-1), torch.ones(2, 2, 5))


def test_attention_with_rotary_positions_knows_the_order():
    torch.manual_seed(0)
    attention, x = Attention(16, num_heads=2), torch.randn(1, 9, 16)
    order, table = torch.randperm(9), rotary_table(8, 3)
    torch.testing.assert_close(attention(x[:, order]), attention(x)[:, order])
    assert not torch.allclose(attention(x[:, order], table),
                              attention(x, table)[:, order], atol=1e-3)
    torch.testing.assert_close(attention(x[:, order], table[:, order]),
                               attention(x, table)[:, order])
