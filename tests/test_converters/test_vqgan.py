import re

import pytest
import torch

from rcg.converters.vqgan import (
    vqgan_from_published,
    vqgan_ignored,
    vqgan_to_published,
)
from rcg.models.tokenizers import VQGAN
from tests.reference import assert_reproduced, load_case
from tests.test_converters.tokenizers import assert_full_size_fits


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
    parameters, _ = assert_full_size_fits(
        'vqgan_tokenizer', 'maskgit_vqgan.py',
        'checkpoints/maskgit_vqgan.safetensors', build, vqgan_to_published,
        vqgan_from_published)
    assert parameters == 54515587


@pytest.mark.parametrize('name', [
    'loss.logvar', 'encoder.mid.attn_1.q.weight', 'quant_conv.weight',
    'encoder.down.0.block.0.conv3.weight', 'xencoder.conv_in.weight'])
def test_names_of_other_files(name):
    with pytest.raises(KeyError, match="MAGE's tokenizer has no tensor"):
        vqgan_ignored(name)
    with pytest.raises(KeyError, match=re.escape(name)):
        vqgan_from_published({name: torch.zeros(())})
