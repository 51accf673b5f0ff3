import pytest
import torch
from torch import nn

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
