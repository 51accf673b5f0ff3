"""Loading is strict and lists what does not fit."""
import argparse

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rcg.checkpoint import (
    CheckpointError,
    check_fit,
    file_sha256,
    find_weights,
    load_weights,
)


def net(width=3):
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_plain_weights(tmp_path, name):
    source, target, path = net(), net(), tmp_path / name
    if name == 'a.pth':
        torch.save(source.state_dict(), path)
    else:
        save_file(source.state_dict(), path)
    assert load_weights(target, path).sha256 == file_sha256(path)
    assert torch.equal(target[0].weight, source[0].weight)


@pytest.mark.parametrize('prefix', ['encoder', 'encoder.'])
def test_part_of_a_training_checkpoint_in_a_folder(tmp_path, prefix):
    source, target = net(), net()
    state = {f'encoder.{k}': v for k, v in source.state_dict().items()}
    state['encoder_ema.0.weight'] = state['head.weight'] = torch.ones(1)
    torch.save({'state_dict': state, 'meta': {}}, tmp_path / 'iter_1.pth')
    load_weights(target, tmp_path, prefix)
    assert torch.equal(target[0].weight, source[0].weight)


def test_lists_of_what_does_not_fit(tmp_path):
    path = tmp_path / 'a.pth'
    state = net(4).state_dict()
    del state['1.running_mean']
    state['extra'] = torch.ones(1)
    torch.save(state, path)
    target = net(3)
    before = target[0].weight.clone()
    with pytest.raises(CheckpointError) as caught:
        load_weights(target, path)
    error = caught.value
    assert error.missing == ['1.running_mean']
    assert error.unexpected == ['extra']
    assert '0.weight: wanted (3, 2), got (4, 2)' in error.mis_shaped
    for text in ('1.running_mean', 'extra', '0.weight', 'a.pth', 'config'):
        assert text in str(error)
    assert torch.equal(target[0].weight, before)


def test_long_lists_are_cut_in_the_message_only(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({f'x{i}': torch.ones(1) for i in range(40)}, path)
    with pytest.raises(CheckpointError, match='and 28 more') as caught:
        load_weights(net(), path)
    assert len(caught.value.unexpected) == 40


def test_wrong_prefix_names_what_is_there(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'encoder.w': torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="'tokenizer.'.*encoder"):
        load_weights(net(), path, 'tokenizer')


def test_what_a_converted_file_keeps_for_the_way_back_is_ignored(tmp_path):
    source, target, path = net(), net(), tmp_path / 'a.safetensors'
    save_file(source.state_dict() | {'published.cls': torch.ones(1)}, path)
    load_weights(target, path)
    assert torch.equal(target[0].weight, source[0].weight)


@pytest.mark.parametrize('args', [{}, {'args': argparse.Namespace(a=1)}])
@pytest.mark.parametrize('prefix', ['', 'encoder'])
def test_a_published_file_given_by_mistake(tmp_path, args, prefix):
    path = tmp_path / 'vitb.pth.tar'
    torch.save({'state_dict': {'module.base_encoder.cls_token':
                               torch.ones(1)}, **args}, path)
    with pytest.raises(CheckpointError, match='a published file.*'
                       'python tools/convert_checkpoint.py .*vitb.pth.tar'):
        load_weights(net(), path, prefix)


def test_a_file_of_another_stage(tmp_path):
    path = tmp_path / 'rdm.safetensors'
    save_file({'denoiser.norm.weight': torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match='looks like an RDM of this'):
        load_weights(net(), path)


@pytest.mark.parametrize('names', [
    ['module.cls_token'], ['backbone.cls_token', 'head.mlp.0.bias'],
    ['backbone.layers.0.ln1.bias', 'neck.fc0.bias'], ['encoder.mid.attn_1.q'],
    ['cls_token', 'blocks.0.attn.qkv.bias'], ['quantize.embedding.weight'],
    ['model.diffusion_model.out.bias', 'betas'], ['token_emb.LayerNorm.bias'],
    ['x_embedder.proj.bias'], ['input_blocks.0.0.bias'],
    ['quant_conv.bias', 'encoder.mid_block.attentions.0.to_q.bias']])
def test_published_files_are_told_by_their_names(names):
    state = {name: torch.ones(1) for name in names}
    with pytest.raises(CheckpointError, match='a published file: convert it'):
        check_fit(net(), state, 'a.pth')


def test_networks_with_published_names_need_no_conversion():
    dinov2 = nn.Module()
    dinov2.register_buffer('cls_token', torch.ones(1))
    with pytest.raises(CheckpointError, match=r'trained\?$'):
        check_fit(dinov2, {'cls_token': torch.ones(2)}, 'a.pth')


def test_a_bare_state_dict_has_no_key():
    state = {'model': 3, 'a': torch.ones(1)}
    assert find_weights(state) == ('', state)
