"""Formats are told by names; parts get the names that the configs use."""
import pytest
import torch

from rcg.converters.formats import (
    FORMATS,
    describe,
    find_weights,
    name_part,
    recognize,
)

from ..reference import load_case, load_manifest

FULL_SIZE = {
    'mocov3_vitb': ('mocov3', 'mocov3_vit_b'),
    'mocov3_vitl': ('mocov3', 'mocov3_vit_l'),
    'dino_vitb': ('dino', 'dino_vit_b'),
    'ibot_vitb': ('ibot', 'ibot_vit_b'),
    'deit_vitb': ('deit', 'deit_vit_b'),
    'vqgan_tokenizer': ('vqgan', 'maskgit_vqgan'),
    'vq_f8': ('vq_f8', 'vq_f8'),
    'rdm_vitb_uncond': ('rdm', 'rdm_mocov3_vit_b'),
    'rdm_vitl_uncond': ('rdm', 'rdm_mocov3_vit_l'),
    'rdm_vitb_classcond': ('rdm', 'rdm_mocov3_vit_b_class_cond'),
    'rdm_vitl_classcond': ('rdm', 'rdm_mocov3_vit_l_class_cond'),
    'mage_b_rep': ('mage', 'mage_b'),
    'mage_l_rep': ('mage', 'mage_l'),
    'mage_b_class': ('mage', 'mage_b_label'),
    'mage_b_uncond': ('mage', 'mage_b_uncond'),
    'adm_rep': ('adm', None), 'adm_class': ('adm', None),
    'adm_uncond': ('adm', None), 'dit_xl2_rep': ('dit', 'dit_xl'),
    'ldm_f8_repcond': ('ldm', None), 'ldm_f8_clscond': ('ldm', None),
    'ldm_f8_uncond': ('ldm', None),
}
DTYPES = {'f32': torch.float32, 'f16': torch.float16, 'i64': torch.int64,
          'i32': torch.int32}


def published(name):
    """A full-size file on the meta device: (key, state dict)."""
    manifest = load_manifest(name)
    key = next(key for key in ('state_dict', 'model', 'teacher')
               if isinstance(manifest.get(key), dict))
    state = {name: torch.empty(shape, dtype=DTYPES[dtype], device='meta')
             for name, (shape, dtype) in manifest[key].items()}
    for name in manifest.get('must_be_present_and_dropped', ()):
        state[name] = torch.empty(2, device='meta')
    return key, state


@pytest.mark.parametrize('name', FULL_SIZE)
def test_full_size_files(name):
    key, state = published(name)
    form, stem = FULL_SIZE[name]
    others = {'epoch': 3, 'optimizer': {'state': {}}, 'model_ema': None}
    found, weights = find_weights({**others, key: state})
    assert (found, weights) == (key, state)
    assert recognize(weights) == form
    assert (FORMATS[form].converter is None) == (stem is None)
    if stem:
        assert name_part(form, state)[0] == stem


@pytest.mark.parametrize(('case', 'form', 'stem'), [
    ('enc_mocov3', 'mocov3', 'mocov3_vit_64x2'),
    ('mage_rep', 'mage', 'mage_64x2_mocov3_vit_32x2'),
    ('rdm_classcond', 'rdm', 'rdm_mocov3_vit_32x2_class_cond'),
    ('dit_rep', 'dit', 'dit_64x2_2'),
    ('dit_classcond', 'dit', 'dit_64x2_2_label'),
    ('vqgan_maskgit', 'vqgan', 'maskgit_vqgan_64x32')])
def test_sizes_of_nobody_get_names_of_their_own(case, form, stem):
    weights = load_case(case)[1]
    assert recognize(weights) == form
    assert name_part(form, weights)[0] == stem


def test_mmpretrain_is_not_taken_for_the_official_file():
    names = ['backbone.cls_token', 'backbone.layers.11.ln1.weight',
             'backbone.layers.0.ln1.weight', 'neck.fc0.weight']
    state = {name: torch.empty(1, 1, 768) for name in names}
    assert recognize(state) == 'mocov3_mmpretrain'
    assert name_part('mocov3_mmpretrain', state) == (
        'mocov3_vit_b_mmpretrain', 'configs/_base_/encoders/mocov3_vit_b.py')


def test_a_bare_state_dict_has_no_key():
    state = {'model': 3, 'a': torch.ones(1)}
    assert find_weights(state) == ('', state)


@pytest.mark.parametrize(('names', 'text'), [
    (['module.cls_token', 'module.head.weight'], 'linear classifier'),
    (['cls_token', 'blocks.0.attn.qkv.weight'], 'bare vision transformer'),
    (['denoiser.norm.weight'], 'an RDM of this project.*no conversion'),
    (['generator.network.norm.bias'], 'a generator of this project'),
    (['encoder.levels.0.0.norm1.bias'], 'a tokenizer of this project'),
    (['conv1.weight', 'fc.bias'], 'not known.*conv1, fc.*a DiT of RCG'),
    ([], 'start with nothing')])
def test_other_files_are_called_by_their_names(names, text):
    with pytest.raises(ValueError, match=text):
        recognize(names)


def test_description_for_errors():
    assert describe(['fc.weight'], 'a.pth') == ''
    assert 'this project' in describe(['denoiser.x'], 'a.pth')
    text = describe(['module.base_encoder.cls_token'], 'a.pth')
    assert 'a MoCo v3 encoder as published' in text
    assert text.endswith('python tools/convert_checkpoint.py a.pth')
