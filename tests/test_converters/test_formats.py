"""Formats are told by names; parts get the names that the configs use."""
import pytest
import torch

from rcg.checkpoint import find_weights
from rcg.converters.formats import recognize
from rcg.converters.naming import name_part
from tests.reference import load_manifest

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
    'adm_rep': ('adm', 'adm'),
    'adm_class': ('adm', 'adm_label'),
    'adm_uncond': ('adm', 'adm_uncond'),
    'ldm_f8_repcond': ('ldm', 'ldm_8'),
    'ldm_f8_clscond': ('ldm', 'ldm_8_label'),
    'ldm_f8_uncond': ('ldm', 'ldm_8_uncond'),
    'dit_xl2_rep': ('dit', 'dit_xl'),
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
    format, stem = FULL_SIZE[name]
    others = {'epoch': 3, 'optimizer': {'state': {}}, 'model_ema': None}
    found, weights = find_weights({**others, key: state})
    assert (found, weights) == (key, state)
    assert recognize(weights) == format
    assert name_part(format, state)[0] == stem


@pytest.mark.parametrize(('names', 'text'), [
    (['module.cls_token', 'module.head.weight'], 'linear classifier'),
    (['cls_token', 'blocks.0.attn.qkv.weight'], 'bare vision transformer'),
    (['denoiser.norm.weight'], 'an RDM of this project.*no conversion'),
    (['generator.network.norm.bias'], 'a generator of this project'),
    (['down.levels.0.0.norm1.bias'], 'a tokenizer of this project'),
    (['conv1.weight', 'fc.bias'], 'not known.*conv1, fc.*a DiT of RCG'),
    ([], 'start with nothing')])
def test_other_files_are_called_by_their_names(names, text):
    with pytest.raises(ValueError, match=text):
        recognize(names)
