"""Encoders in caches of other libraries, which tests lay out by themselves."""
import functools
import hashlib
import json
import os

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save

from rcg.checkpoint import CheckpointError
from rcg.models.encoders import (
    TimmEncoder,
    find_timm_encoder,
    list_timm_encoders,
    timm_local,
)
from rcg.registry import ENCODERS

VIT, RESNET = 'test_vit.r160_in1k', 'test_resnet.r160_in1k'
COMMIT = 'c0ffee' * 6 + 'c0ff'


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches, and no network."""
    def refuse(*args, **kwargs):
        raise AssertionError('the network is used')

    for name in ('socket.socket.connect', 'socket.getaddrinfo'):
        monkeypatch.setattr(name, refuse)
    hub = tmp_path / 'hub'
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(hub))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setattr(timm_local, 'PREFERRED', (VIT, RESNET))
    return hub


@functools.cache
def weights(model):
    torch.manual_seed(0)
    return timm.create_model(model).state_dict()


def put_into_hub(hub, model, content=None):
    """As huggingface_hub does; content may be what the download damaged."""
    sound = save({k: v.contiguous() for k, v in weights(model).items()})
    folder = hub / f'models--timm--{model}'
    blob = folder / 'blobs' / hashlib.sha256(sound).hexdigest()
    link = folder / 'snapshots' / COMMIT / 'model.safetensors'
    for path in (blob, link, folder / 'refs' / 'main'):
        path.parent.mkdir(parents=True)
    blob.write_bytes(sound if content is None else content(sound))
    link.symlink_to(os.path.relpath(blob, link.parent))
    (folder / 'refs' / 'main').write_text(COMMIT)
    return link


def test_nothing_is_found_in_empty_caches():
    assert find_timm_encoder() == (None, [])
    assert list_timm_encoders() == ([], [])


@pytest.mark.parametrize(('model', 'interpolation'), [
    (VIT, 'bicubic'), (RESNET, 'bilinear')])
def test_the_cache_of_the_hub(caches, model, interpolation):
    link = put_into_hub(caches, model)
    assert huggingface_hub.try_to_load_from_cache(
        f'timm/{model}', 'model.safetensors', caches) == str(link)
    found, passed = find_timm_encoder()
    assert passed == []
    assert found.config == dict(type='TimmEncoder', model=model,
                                pretrained=str(link))
    encoder = ENCODERS.build(found.config)
    for name, tensor in encoder.backbone.state_dict().items():
        assert torch.equal(tensor, weights(model)[name]), name
    assert (found.rep_dim, found.input_size) == (encoder.rep_dim, 160)
    assert found.interpolation == encoder.interpolation == interpolation
    assert found.mean == (.5, .5, .5) == found.std
    assert found.num_bytes == link.stat().st_size
    assert found.num_parameters == sum(
        p.numel() for p in encoder.parameters())
    assert f"{model} of '{link}'" in str(found)
    assert f'{found.rep_dim} numbers' in str(found)


def test_the_first_of_the_preferred_is_taken(caches):
    put_into_hub(caches, RESNET)
    put_into_hub(caches, VIT)
    assert find_timm_encoder()[0].config['model'] == VIT
    found, passed = list_timm_encoders([RESNET, VIT])
    assert [it.config['model'] for it in found] == [RESNET, VIT]
    assert passed == []


def flipped(content):
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


@pytest.mark.parametrize(('content', 'said'), [
    (flipped, 'damaged: its SHA-256'),
    (lambda content: content[:5000], 'damaged: its SHA-256'),
    (lambda content: b'', 'SHA-256')])
def test_damaged_files_are_passed_over(caches, content, said):
    link = put_into_hub(caches, VIT, content)
    put_into_hub(caches, RESNET)
    found, (passed, ) = find_timm_encoder()
    assert found.config['model'] == RESNET
    assert passed.startswith(f"'{VIT}' was passed over: '{link}'")
    assert said in passed
    with pytest.raises(CheckpointError, match='passed over'):
        find_timm_encoder(model=VIT)
    with pytest.raises(CheckpointError, match='SHA-256'):
        TimmEncoder(VIT)


def test_weights_of_another_model_are_passed_over(caches):
    link = put_into_hub(caches, VIT)
    other = save({k: v.contiguous() for k, v in weights(RESNET).items()})
    link.unlink()
    link.write_bytes(other)  # a plain file, as on Windows: no hash is told
    found, (passed, ) = find_timm_encoder()
    assert found is None
    assert 'could not load' in passed
    link.write_bytes(other[:3000])
    found, (passed, ) = find_timm_encoder()
    assert found is None
    assert str(link) in passed


def no_link(link):
    link.unlink()


def no_blob(link):
    link.resolve().unlink()


def no_reference(link):
    (link.parents[2] / 'refs' / 'main').write_bytes(b'\xff\xfe\x00')


@pytest.mark.parametrize('spoil', [no_link, no_blob, no_reference])
def test_an_interrupted_download_is_passed_over(caches, spoil):
    spoil(put_into_hub(caches, VIT))
    found, (passed, ) = find_timm_encoder()
    assert found is None
    assert 'no complete weights' in passed
    assert f'models--timm--{VIT}' in passed


def test_a_named_model_that_is_not_there():
    with pytest.raises(FileNotFoundError, match=f"'{VIT}' are not on this "
                       'machine.*hub.*torch.*downloads them'):
        find_timm_encoder(model=VIT)
    with pytest.raises(ValueError, match='Name the folder'):
        find_timm_encoder(model='hf-hub:someone/something')
    with pytest.raises(ValueError, match='Name the folder'):
        list_timm_encoders([VIT, 'hf-hub:someone/something'])
    with pytest.raises(ValueError, match="no model 'test_vitt'"):
        find_timm_encoder(model='test_vitt')


def test_the_cache_of_torch_hub(tmp_path, monkeypatch):
    published = timm.get_pretrained_cfg
    path = tmp_path / 'torch/hub/checkpoints/vit.pth'

    def with_url(name):
        config = published(name)
        config.url = f'https://example.com/{path.name}?download=1'
        return config

    monkeypatch.setattr(timm, 'get_pretrained_cfg', with_url)
    path.parent.mkdir(parents=True)
    torch.save(dict(model=weights(VIT)), path)
    assert find_timm_encoder(model=VIT)[0].config['pretrained'] == str(path)
    # The name tells the beginning of the hash, in timm's manner.
    path = path.rename(path.with_name('vit-0123abcd.pth'))
    with pytest.raises(CheckpointError, match='not with 0123abcd'):
        find_timm_encoder(model=VIT)


def test_a_file_that_the_user_names(tmp_path, caches):
    state = save({k: v.contiguous() for k, v in weights(VIT).items()})
    path = tmp_path / 'mine.safetensors'
    path.write_bytes(state)
    with pytest.raises(ValueError, match='does not say which model.*model='):
        find_timm_encoder(str(path))
    found, _ = find_timm_encoder(str(path), VIT)
    assert found.config['pretrained'] == str(path)
    with pytest.raises(CheckpointError, match='could not load'):
        find_timm_encoder(str(path), RESNET)
    named = tmp_path / f'{VIT}.safetensors'
    named.write_bytes(state)
    assert find_timm_encoder(str(named))[0].config['model'] == VIT
    with pytest.raises(FileNotFoundError, match='no file of weights'):
        find_timm_encoder(str(tmp_path / 'none.pth'), VIT)
    with pytest.raises(ValueError, match="no model 'test_vitt'"):
        find_timm_encoder(str(path), 'test_vitt')


def test_a_folder_of_the_hub(tmp_path):
    (tmp_path / 'model.safetensors').write_bytes(
        save({k: v.contiguous() for k, v in weights(VIT).items()}))
    (tmp_path / 'config.json').write_text(json.dumps(dict(
        architecture='test_vit', pretrained_cfg=dict(tag='r160_in1k'))))
    found, _ = find_timm_encoder(str(tmp_path))
    assert found.config['model'] == VIT
    (tmp_path / 'config.json').write_text('{"architecture": ["test_vit"]}')
    with pytest.raises(ValueError, match='does not say which model'):
        find_timm_encoder(str(tmp_path))


@pytest.mark.parametrize(('largest', 'wanted'), [(96, 96), (100, None),
                                                 (160, None)])
def test_large_images_are_avoided_where_possible(caches, monkeypatch, largest,
                                                 wanted):
    put_into_hub(caches, VIT)
    monkeypatch.setattr(timm_local, '_LARGEST_SIDE', largest)
    found, _ = find_timm_encoder()
    assert found.config.get('input_size') == wanted
    assert found.input_size == (wanted or 160)
    assert ENCODERS.build(found.config).input_size == found.input_size


def test_pretrained_looks_into_the_caches_first(caches):
    put_into_hub(caches, VIT)
    encoder = TimmEncoder(VIT)
    for name, tensor in encoder.backbone.state_dict().items():
        assert torch.equal(tensor, weights(VIT)[name]), name


def test_timm_knows_the_preferred_models(monkeypatch):
    monkeypatch.undo()
    assert len(timm_local.PREFERRED) > 5
    for model in timm_local.PREFERRED:
        assert timm.is_model(model.partition('.')[0]), model
        assert timm.get_pretrained_cfg(model).has_weights, model
