"""Tensors under the names of the published code."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.models.networks import DiT
from rcg.projects.dlc.convert import (
    TABLE,
    dit_from_published,
    encoder_from_published,
)
from rcg.registry import ENCODERS

BLOCK = ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2']


def published_dit(net):
    """The tensors of a DiT as a DiTSEM names them."""
    ours = dict(net.state_dict())
    table = ours.pop('condition_embed.table.weight').view(3, 5, -1)
    renamed = {}
    for name, value in ours.items():
        for old, new in (('patch_embed.', 'x_embedder.proj.'),
                         ('time_embed.', 't_embedder.mlp.'),
                         ('output.', 'final_layer.'),
                         ('modulation.', 'adaLN_modulation.1.')):
            name = name.replace(old, new)
        renamed[name] = value
    return renamed | {TABLE: table, 'pos_embed': torch.zeros(1, 4, 8)}


def test_dit():
    with DefaultScope.overwrite_default_scope('rcg'):
        net = DiT(input_size=4, dim=8, depth=2, num_heads=2, condition=dict(
            type='CodeCondition', num_tokens=3, num_codes=4))
    state = published_dit(net)
    converted = dit_from_published(state)
    net.load_state_dict(converted)  # all of them, and no others
    assert all(torch.equal(value, net.state_dict()[name])
               for name, value in converted.items())
    ids = torch.tensor([[2, 0, 3]])
    torch.testing.assert_close(
        net.condition_embed(ids),
        torch.stack([state[TABLE][i, ids[0, i]] for i in range(3)]).mean(
            0, keepdim=True))
    with pytest.raises(ValueError, match='a DiTSEM has the tensor'):
        dit_from_published({'a': torch.zeros(1)})
    with pytest.raises(KeyError, match="no tensor 'extra'"):
        dit_from_published(state | {'extra': torch.zeros(1)})


@torch.no_grad()
def test_encoder():
    """Positions of 518 pixels are resampled, groups of blocks undone."""
    torch.manual_seed(0)
    cfg = dict(type='SimplicialEncoder', num_tokens=3, num_codes=4,
               out_dim=384, encoder=dict(
                   type='PrefixTokens', pretrained=False, input_size=28,
                   model='vit_small_patch14_reg4_dinov2.lvd142m'))
    with DefaultScope.overwrite_default_scope('rcg'):
        encoder = ENCODERS.build(cfg).eval()
        other = ENCODERS.build(cfg).eval()
    vit = encoder.backbone.backbone.state_dict()
    cls_position = torch.randn(1, 1, 384)
    state = {f'backbone.{name}': value
             for name, value in encoder.state_dict().items()
             if name.startswith('sem_')}
    for name, value in vit.items():
        if name.startswith('blocks.'):
            number = int(name.split('.')[1])
            name = f'blocks.{number // 6}.{name.removeprefix("blocks.")}'
        state[f'backbone.{name}'] = value
    state['backbone.register_tokens'] = state.pop('backbone.reg_token')
    state['backbone.cls_token'] = vit['cls_token'] - cls_position
    # A constant stays what it is, at any size.
    constant = torch.randn(384)
    state['backbone.pos_embed'] = torch.cat(
        [cls_position, constant.expand(1, 37 * 37, -1)], 1)
    vit['pos_embed'].copy_(constant)
    state |= {f'backbone.{name}': torch.zeros(1) for name in (
        'mask_token', 'norm.weight', 'sem_cls_norm.bias')}
    state['dino_head.mlp.0.weight'] = torch.zeros(1)
    other.load_state_dict(encoder_from_published(state, other))
    images = torch.rand(2, 3, 28, 28) * 2 - 1
    torch.testing.assert_close(other.logits(images), encoder.logits(images),
                               rtol=1e-3, atol=1e-3)
    assert other.feature_dim == 5 * 384
    with pytest.raises(ValueError, match='the file has no head'):
        encoder_from_published({'backbone.cls_token': cls_position}, other)
