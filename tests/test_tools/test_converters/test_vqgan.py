import re

import pytest
import torch
from converters.vqgan import (
    vqgan_from_published,
    vqgan_ignored,
    vqgan_to_published,
)

from rcg.engine import load_config
from rcg.models.tokenizers import VQGAN
from rcg.registry import TOKENIZERS
from tests.reference import assert_reproduced, load_case, load_manifest


def build(config):
    sizes = config['ddconfig']
    return VQGAN(dim=sizes['ch'], dim_mult=sizes['ch_mult'],
                 num_res_blocks=sizes['num_res_blocks'],
                 z_dim=sizes['z_channels'], num_codes=config['n_embed'])


@pytest.fixture(scope='module')
def published():
    config, weights, case = load_case('vqgan_maskgit')
    tokenizer = build(config)
    tokenizer.load_state_dict(vqgan_from_published(weights))
    return tokenizer.eval(), case


def test_every_stored_tensor_is_reproduced():
    assert_reproduced('vqgan_maskgit')


def test_flat_ids_are_the_grid_row_by_row(published):
    tokenizer, case = published
    codes = tokenizer.encode(case['image_u8'].float() / 127.5 - 1)
    assert torch.equal(codes, case['indices'].flatten(1))


def test_case_survives_the_way_back():
    _, weights, _ = load_case('vqgan_maskgit')
    before = dict(weights)
    back = vqgan_to_published(vqgan_from_published(weights))
    assert back.keys() == weights.keys() == before.keys()
    assert all(back[name] is weights[name] for name in weights)


def test_full_size_covers_the_published_format():
    manifest = load_manifest('vqgan_tokenizer')
    wanted = {name: tuple(shape)
              for name, (shape, _) in manifest['state_dict'].items()}
    cfg = load_config('configs/_base_/tokenizers/maskgit_vqgan.py').tokenizer
    assert cfg.pop('checkpoint') == 'checkpoints/maskgit_vqgan.safetensors'
    with torch.device('meta'):
        configured, sized = TOKENIZERS.build(cfg), build(manifest['config'])
        theirs = {name: torch.empty(shape) for name, shape in wanted.items()}
    ours = configured.state_dict()
    assert repr(configured) == repr(sized)
    assert sum(p.numel() for p in configured.parameters()) == 54515587
    to_published = vqgan_to_published(ours)
    from_published = vqgan_from_published(theirs)
    assert {n: tuple(t.shape) for n, t in to_published.items()} == wanted
    assert {n: t.shape for n, t in from_published.items()} == {
        n: t.shape for n, t in ours.items()
    }


@pytest.mark.parametrize('name', [
    'loss.logvar', 'encoder.mid.attn_1.q.weight', 'quant_conv.weight',
    'encoder.down.0.block.0.conv3.weight', 'xencoder.conv_in.weight'])
def test_names_of_other_files(name):
    with pytest.raises(KeyError, match="MAGE's tokenizer has no tensor"):
        vqgan_ignored(name)
    with pytest.raises(KeyError, match=re.escape(name)):
        vqgan_from_published({name: torch.zeros(())})
