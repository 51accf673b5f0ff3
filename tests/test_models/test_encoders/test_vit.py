import math

import pytest
import torch

from rcg.models.encoders.vit import VisionTransformer

SIZES = dict(img_size=8, patch_size=4, embed_dim=12, depth=1, num_heads=3)


def test_patches_are_in_row_major_order():
    vit = VisionTransformer(**SIZES)
    x = torch.zeros(1, 3, 8, 8)
    x[..., :4, 4:] = 1  # upper right: the second token
    tokens = vit.patch_embed(x)
    blank = vit.patch_embed(torch.zeros_like(x))
    differs = (tokens != blank).any(2)[0]
    assert differs.tolist() == [False, True, False, False]


def test_order_of_patches_matters_through_positions_only():
    torch.manual_seed(0)
    vit = VisionTransformer(**SIZES)
    x = torch.rand(2, 3, 8, 8)
    swapped = x.roll(4, dims=3)
    assert not torch.allclose(vit(x), vit(swapped))
    vit.pos_embed.zero_()
    torch.testing.assert_close(vit(x), vit(swapped))


def test_initial_weights():
    vit = VisionTransformer(**(SIZES | dict(embed_dim=96)))
    bounds = {'attn.qkv': math.sqrt(6 / (96 + 96)),
              'mlp.fc1': math.sqrt(6 / (96 + 384))}
    for name, bound in bounds.items():
        layer = vit.blocks[0].get_submodule(name)
        assert .99 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()
    bound = math.sqrt(6 / (3 * 16 + 96))
    assert .98 * bound < vit.patch_embed.proj.weight.abs().max() <= bound
    assert 0 < vit.cls_token.std() < 2e-6


def test_positions_are_not_trained_but_saved():
    vit = VisionTransformer(**SIZES)
    assert 'pos_embed' in vit.state_dict()
    assert 'pos_embed' not in dict(vit.named_parameters())


def test_refuses_cut_patches():
    with pytest.raises(ValueError, match='multiple of patch_size, got 9'):
        VisionTransformer(**(SIZES | dict(img_size=9)))
