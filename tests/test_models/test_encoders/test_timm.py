import math
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from rcg.checkpoint import CheckpointError
from rcg.engine import load_config
from rcg.models.encoders import TimmEncoder
from rcg.models.encoders.base import standardize
from rcg.registry import ENCODERS

CONFIG = Path(__file__).parents[3] / 'configs/_base_/encoders/timm.py'
IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def configure(monkeypatch):
    """Makes timm's models say that they want other preprocessing."""
    create = timm.create_model

    def configure(changed):
        def create_changed(*args, **kwargs):
            backbone = create(*args, **kwargs)
            backbone.pretrained_cfg = backbone.pretrained_cfg | changed
            return backbone

        monkeypatch.setattr(timm, 'create_model', create_changed)

    return configure


@pytest.mark.parametrize(('model', 'rep_dim'), [
    ('test_vit', 64), ('test_resnet', 96),
    # Features in front of the classifier are wider than the last block.
    ('test_mambaout', 256)])
@torch.no_grad()
def test_representation(model, rep_dim):
    encoder = ENCODERS.build(dict(type='TimmEncoder', model=model,
                                  pretrained=False)).eval()
    found = encoder(IMAGES * 2 - 1)
    assert found.shape == (2, rep_dim) == (2, encoder.rep_dim)
    torch.testing.assert_close(found.std(1), torch.ones(2))
    encoder.standardize = False
    torch.testing.assert_close(standardize(encoder(IMAGES * 2 - 1)), found)


@pytest.mark.parametrize(('model', 'shape'), [
    ('test_vit', (64, 10, 10)), ('test_resnet', (96, 5, 5)),
    ('swin_tiny_patch4_window7_224', (768, 7, 7)),
    # With registers, which are no places.
    ('vit_base_patch14_reg4_dinov2', (768, 37, 37))])
def test_feature_map_has_channels_first_and_places_alone(model, shape):
    with torch.device('meta'):
        encoder = TimmEncoder(model, pretrained=False)
        places = encoder.feature_map(torch.empty(2, 3, 64, 64))
    assert places.shape == (2, *shape)


@torch.no_grad()
def test_feature_map_is_what_a_vit_normalizes_last():
    encoder = TimmEncoder('test_vit', False).eval()
    tokens = encoder.backbone.forward_features(
        encoder.preprocess(IMAGES * 2 - 1))
    prefix = encoder.backbone.num_prefix_tokens
    assert torch.equal(encoder.feature_map(IMAGES * 2 - 1).flatten(2),
                       tokens[:, prefix:].transpose(1, 2))


def test_a_model_of_timm_without_maps_is_refused():
    encoder = TimmEncoder('test_resnet', pretrained=False)
    encoder.backbone = nn.Sequential()  # has no such method
    with pytest.raises(ValueError, match='no features of places'):
        encoder.feature_map(IMAGES)


@torch.no_grad()
def test_raw_features_are_those_of_timm():
    encoder = TimmEncoder('test_vit', False, standardize=False).eval()
    x = encoder.preprocess(IMAGES * 2 - 1)
    features = encoder.backbone.forward_features(x)
    wanted = encoder.backbone.forward_head(features, pre_logits=True)
    torch.testing.assert_close(encoder(IMAGES * 2 - 1), wanted)


def test_base_config_builds():
    cfg = load_config(str(CONFIG)).encoder.to_dict() | dict(pretrained=False)
    with torch.device('meta'):
        encoder = ENCODERS.build(cfg)
    assert (encoder.rep_dim, encoder.input_size) == (768, 518)


@pytest.mark.parametrize('size', [64, 160, 211])
@pytest.mark.parametrize('changed', [
    dict(), dict(interpolation='bilinear'), dict(crop_pct=.9),
    dict(crop_pct=1.), dict(crop_pct=1.15), dict(crop_pct=1.1),
    dict(crop_mode='squash'), dict(mean=(.1, .2, .3), std=(.4, .5, .6))])
def test_preprocessing_is_timms(configure, size, changed):
    images = torch.rand(1, 3, size, size)
    configure(changed)
    encoder = TimmEncoder('test_vit', pretrained=False)
    config = timm.data.resolve_model_data_config(encoder.backbone)
    for key, value in changed.items():
        assert config[key] == value
    theirs = timm.data.create_transform(**config, is_training=False)(images)
    torch.testing.assert_close(encoder.preprocess(images * 2 - 1), theirs,
                               rtol=0, atol=2e-5)


@pytest.mark.parametrize(('model', 'pretrained', 'said'), [
    ('test_vitt', False, "no model 'test_vitt'.*like it.*test_vit"),
    ('zzzzzz', False, 'like it are: none'),
    ('test_vit.none', False, r"no weights 'test_vit.none', only: .*r160"),
    # An architecture that nobody has trained.
    ('vit_giant_patch14_224', True, 'only: none')])
def test_refuses_names(model, pretrained, said):
    with pytest.raises(ValueError, match=said):
        TimmEncoder(model, pretrained)


@pytest.mark.parametrize('size', [(3, 64, 48), (1, 64, 64)])
def test_refuses_other_images(configure, size):
    configure(dict(input_size=size))
    with pytest.raises(ValueError, match=f'{size[0]}x64.*wanted square RGB'):
        TimmEncoder('test_vit', False)


def test_refuses_models_that_do_not_pool(monkeypatch):
    monkeypatch.setattr(timm, 'create_model', lambda *_, **__: nn.Identity())
    with pytest.raises(ValueError, match='gives no pooled features'):
        TimmEncoder('test_vit', False)


def reached(*args, **kwargs):
    raise huggingface_hub.errors.EntryNotFoundError


def test_a_missing_download_is_explained(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError('network unreachable.')

    monkeypatch.setattr('timm.models._builder.load_state_dict_from_hf', fail)
    monkeypatch.setattr('huggingface_hub.get_hf_file_metadata', reached)
    with pytest.raises(CheckpointError, match="'test_vit'.*unreachable.*"
                       'without network.*pretrained=PATH'):
        TimmEncoder('test_vit')


@pytest.mark.parametrize('key', [None, 'state_dict', 'model'])
@torch.no_grad()
def test_weights_from_a_file(tmp_path, key):
    published = timm.create_model('test_vit')  # with its classifier
    for parameter in published.parameters():
        nn.init.normal_(parameter, std=1 / math.sqrt(64))
    path = tmp_path / 'published.pth'
    state = published.state_dict()
    torch.save({key: state} if key else state, path)
    encoder = TimmEncoder('test_vit', str(path))
    for name, tensor in encoder.backbone.state_dict().items():
        assert torch.equal(tensor, state[name])


def test_a_file_of_another_model_is_refused(tmp_path):
    path = tmp_path / 'other.safetensors'
    state = timm.create_model('test_vit').state_dict()
    save_file({'x.' + name: tensor for name, tensor in state.items()}, path)
    with pytest.raises(CheckpointError, match='cls_token'):
        TimmEncoder('test_vit', str(path))
    with pytest.raises(FileNotFoundError):
        TimmEncoder('test_vit', str(tmp_path / 'none.pth'))


@pytest.mark.parametrize('model', ['test_vit', 'hf-hub:someone/something'])
def test_without_a_network_it_says_so_at_once(tmp_path, monkeypatch, model):
    calls = []

    def unreachable(*args, **kwargs):
        calls.append(kwargs)
        raise ConnectionError('no route')

    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', tmp_path)
    monkeypatch.setattr('huggingface_hub.get_hf_file_metadata', unreachable)
    monkeypatch.setattr(timm, 'create_model', lambda *_, **__: 1 / 0)
    with pytest.raises(CheckpointError, match=f"'{model}' are in no cache.*"
                       rf'{tmp_path}.*no route.*pretrained=PATH'):
        TimmEncoder(model)
    assert [call['timeout'] for call in calls] == [10]


@torch.no_grad()
def test_other_sizes_of_images():
    encoder = TimmEncoder('test_vit', False, input_size=64).eval()
    assert encoder.input_size == 64
    assert encoder.preprocess(IMAGES).shape == (2, 3, 64, 64)
    assert encoder(IMAGES).shape == (2, 64)
    with pytest.raises(ValueError, match='images of 70x70 .*input_size'):
        TimmEncoder('test_vit', False, input_size=70)


@torch.no_grad()
def test_weights_for_another_size_are_resampled(tmp_path):
    path = tmp_path / 'vit.safetensors'
    state = timm.create_model('test_vit').state_dict()
    save_file(state, path)
    encoder = TimmEncoder('test_vit', str(path), input_size=64)
    for name, tensor in encoder.backbone.state_dict().items():
        if name != 'pos_embed':
            assert torch.equal(tensor, state[name]), name
    assert encoder.backbone.pos_embed.shape[1] < state['pos_embed'].shape[1]


@pytest.mark.parametrize('content', [
    {}, dict(epoch=3), dict(state_dict={}),
    # timm resamples the table of positions before it compares names.
    dict(pos_embed=torch.zeros(3))])
def test_a_file_without_the_weights_is_refused(tmp_path, monkeypatch,
                                               content):
    """Not replaced by weights of the network."""
    monkeypatch.setattr('timm.models._builder.load_state_dict_from_hf',
                        lambda *_, **__: 1 / 0)
    path = tmp_path / 'a.pth'
    torch.save(content, path)
    with pytest.raises(CheckpointError):
        TimmEncoder('test_vit', str(path))
