import pytest
import torch

from rcg.converters.mocov3 import (
    mocov3_from_published,
    mocov3_ignored,
    mocov3_to_published,
)
from rcg.models.encoders import MoCoV3ViT
from tests.reference import assert_reproduced, load_case, load_manifest
from tests.test_converters.encoders import (
    build_base,
    check_manifest,
    check_way_back,
    sizes_of,
)


@pytest.mark.parametrize('name', ['enc_mocov3', 'enc_mocov3_renamed'])
def test_published_encoder(name):
    assert_reproduced(name)


def test_the_position_table_of_the_file_is_ours():
    config, weights, _ = load_case('enc_mocov3')
    table = mocov3_from_published(weights)['backbone.pos_embed']
    torch.testing.assert_close(
        MoCoV3ViT(**sizes_of(config)).backbone.pos_embed, table, rtol=0,
        atol=1e-6)


def test_way_back():
    _, weights, _ = load_case('enc_mocov3')
    check_way_back(weights, mocov3_from_published, mocov3_to_published,
                   mocov3_ignored)
    _, weights, _ = load_case('enc_mocov3_renamed')
    check_way_back(weights, mocov3_from_published,
                   lambda state: mocov3_to_published(state, misnamed=True),
                   mocov3_ignored)


def test_misnamed_layers_are_put_right():
    config, weights, _ = load_case('enc_mocov3_renamed')
    converted = mocov3_from_published(weights)
    back = mocov3_to_published(converted)
    for wrong, right in config['misnamed'].items():
        for kind in ('weight', 'bias'):
            tensor = weights[f'module.base_encoder.{wrong}.{kind}']
            assert f'backbone.{wrong}.{kind}' not in converted
            assert converted[f'backbone.{right}.{kind}'] is tensor
            assert back[f'module.base_encoder.{right}.{kind}'] is tensor


def test_what_is_ignored_and_what_is_unknown():
    _, weights, _ = load_case('enc_mocov3')
    ignored = {name.split('.')[1] for name in weights if mocov3_ignored(name)}
    assert ignored == {'momentum_encoder', 'predictor'}
    unknown = 'module.base_encoder.blocks.0.attn.gate'
    with pytest.raises(KeyError, match='no tensor .*attn.gate'):
        mocov3_ignored(unknown)
    with pytest.raises(KeyError, match='no tensor .*attn.gate'):
        mocov3_from_published(weights | {unknown: torch.zeros(1)})


def test_refuses_other_files():
    with pytest.raises(ValueError, match=r"module\.base_encoder.*'a\.weight'"):
        mocov3_from_published({'a.weight': torch.zeros(1)})
    _, weights, _ = load_case('enc_mocov3')
    headless = {name: tensor for name, tensor in weights.items()
                if 'base_encoder.head' not in name}
    with pytest.raises(ValueError, match='without its projector'):
        mocov3_from_published(headless)


@pytest.mark.parametrize(('size', 'count'), [
    ('b', 106_803_459), ('l', 325_355_011)])
def test_full_size_files_fit(size, count):
    name = f'mocov3_vit{size}'
    # The number counts positions and statistics as well.
    assert load_manifest(name)['base_encoder_parameters'] == count
    assert count == check_manifest(
        name, f'mocov3_vit_{size}', 'state_dict', mocov3_from_published,
        mocov3_to_published, mocov3_ignored)


def test_small_is_that_of_the_paper():
    # Table 1 of arXiv:2104.02057: 12 heads, 22M parameters without head.
    encoder = build_base('mocov3_vit_s')
    assert encoder.backbone.blocks[0].attn.num_heads == 12
    assert encoder.rep_dim == 256
    size = sum(p.numel() for p in encoder.backbone.parameters())
    assert size == 21_590_016
