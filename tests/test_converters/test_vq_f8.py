import pytest
import torch
from torch.nn import functional as F

from rcg.converters.vq_f8 import (
    vq_f8_from_published,
    vq_f8_ignored,
    vq_f8_to_published,
)
from rcg.models.tokenizers import LatentVQGAN
from tests.reference import assert_reproduced, load_case
from tests.test_converters.tokenizers import assert_full_size_fits


def build(config):
    sizes = config['ddconfig']
    levels = [level for level in range(len(sizes['ch_mult']))
              if sizes['resolution'] >> level in sizes['attn_resolutions']]
    return LatentVQGAN(
        dim=sizes['ch'], dim_mult=sizes['ch_mult'],
        num_res_blocks=sizes['num_res_blocks'], z_dim=sizes['z_channels'],
        code_dim=config['embed_dim'], num_codes=config['n_embed'],
        attention_levels=levels)


@pytest.fixture(scope='module')
def published():
    config, weights, case = load_case('vq_f8')
    tokenizer = build(config)
    tokenizer.load_state_dict(vq_f8_from_published(weights))
    return tokenizer.eval(), case


def test_every_stored_tensor_is_reproduced():
    assert_reproduced('vq_f8')


@torch.no_grad()
def test_padding_at_the_other_sides_would_be_noticed(published, monkeypatch):
    tokenizer, case = published

    def halved(self, x, i):
        return self.downsamplers[i](F.pad(x, (1, 0, 1, 0)))

    monkeypatch.setattr(type(tokenizer.down), '_halved', halved)
    other = tokenizer.encode(case['image_u8'].float() / 127.5 - 1)
    worst = (other - case['encoded']).abs().max().item()
    assert worst > .01 * case['encoded'].abs().max()


def test_case_survives_the_way_back():
    _, weights, _ = load_case('vq_f8')
    used = {n: t for n, t in weights.items() if vq_f8_ignored(n) is None}
    assert weights.keys() - used == {'loss.discriminator.main.0.weight'}
    back = vq_f8_to_published(vq_f8_from_published(weights))
    assert back.keys() == used.keys()
    assert all(back[name] is used[name] for name in used)


def test_full_size_covers_the_published_format():
    parameters, elements = assert_full_size_fits(
        'vq_f8', 'vq_f8.py', 'checkpoints/vq_f8.safetensors', build,
        vq_f8_to_published, vq_f8_from_published)
    assert parameters == elements


def test_what_is_ignored_and_why():
    assert 'discriminator' in vq_f8_ignored('loss.discriminator.main.0.weight')
    assert vq_f8_ignored('quant_conv.bias') is None
    with pytest.raises(KeyError, match="'model.diffusion_model.out.0.weight'"):
        vq_f8_ignored('model.diffusion_model.out.0.weight')
