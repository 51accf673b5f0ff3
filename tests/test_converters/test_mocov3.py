import pytest
import torch

from rcg.converters.mocov3 import convert_mocov3
from rcg.models.encoders.base import standardize
from rcg.models.encoders.moco_v3 import MoCoV3ViT
from tests.reference import assert_close, load_case, load_manifest


def build(config, weights, **kwargs):
    encoder = MoCoV3ViT(
        config['img_size'],
        vit=dict(patch_size=config['patch'], embed_dim=config['embed_dim'],
                 depth=config['depth'], num_heads=config['heads'],
                 mlp_ratio=config['mlp_ratio']),
        projector_hidden_dim=config['projector_hidden'],
        projector_dim=config['proj_dim'], **kwargs)
    encoder.load_state_dict(convert_mocov3(weights))
    return encoder.eval()


@torch.no_grad()
@pytest.mark.parametrize('name', ['enc_mocov3', 'enc_mocov3_renamed'])
def test_published_encoder(name):
    config, weights, case = load_case(name)
    encoder = build(config, weights)
    images = case['image_u8'].float() / 255 * 2 - 1
    x = encoder.preprocess(images)
    if 'resized_first_top' in case:
        assert_close('resized_first_top', x[:1, :, :56], case)
        assert_close('resized_first_bottom', x[:1, :, -16:], case)
    assert_close('resized_stride7', x[:, :, ::7, ::7], case)
    flat = x.flatten(1)
    assert_close('resized_mean_std',
                 torch.stack([flat.mean(1), flat.std(1)], 1), case)
    features = encoder.features(x)
    assert_close('features', features, case)
    assert_close('head', encoder.head(features), case)
    assert_close('rep_from_features', standardize(features), case)
    assert_close('rep_from_head', encoder(images), case)
    encoder.with_projector = False
    assert_close('rep_from_features', encoder(images), case)


def test_the_position_table_of_the_file_is_ours():
    config, weights, _ = load_case('enc_mocov3')
    table = convert_mocov3(weights)['backbone.pos_embed']
    fresh = MoCoV3ViT(config['img_size'], vit=dict(
        patch_size=config['patch'], embed_dim=config['embed_dim'], depth=1,
        num_heads=4))
    torch.testing.assert_close(fresh.backbone.pos_embed, table,
                               rtol=0, atol=1e-6)


def test_misnamed_layers_are_put_right():
    config, weights, _ = load_case('enc_mocov3_renamed')
    converted = convert_mocov3(weights)
    for wrong, right in config['misnamed'].items():
        for kind in ('weight', 'bias'):
            assert f'backbone.{wrong}.{kind}' not in converted
            torch.testing.assert_close(
                converted[f'backbone.{right}.{kind}'],
                weights[f'module.base_encoder.{wrong}.{kind}'].float())


def test_refuses_other_files():
    with pytest.raises(ValueError, match=r"module\.base_encoder.*'a\.weight'"):
        convert_mocov3({'a.weight': torch.zeros(1)})


@pytest.mark.parametrize(('file', 'sizes'), [
    ('mocov3_vitb', dict()),
    ('mocov3_vitl', dict(embed_dim=1024, depth=24, num_heads=16))])
def test_full_size_files_fit(file, sizes):
    manifest = load_manifest(file)
    with torch.device('meta'):
        encoder = MoCoV3ViT(224, vit=sizes)
        published = {name: torch.empty(shape) for name, (shape, _) in
                     manifest['state_dict'].items()}
    encoder.load_state_dict(convert_mocov3(published), assign=True)
    # The number counts positions and statistics as well.
    size = sum(tensor.numel() for tensor in encoder.state_dict().values())
    assert size == manifest['base_encoder_parameters']
