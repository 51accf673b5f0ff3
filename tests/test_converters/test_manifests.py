"""Published RDM and MAGE files at full size and our configs, both ways.

On the meta device: names, shapes and dtypes, no numbers.
"""
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.converters import mage, rdm
from rcg.converters.formats import recognize
from rcg.converters.parts import join, split
from rcg.engine import load_config
from rcg.engine.configs.loading import without_weights
from rcg.registry import MODELS
from tests.reference import load_manifest

CONFIGS = Path(__file__).parents[2] / 'configs'
DTYPES = {'f32': torch.float32, 'f64': torch.float64, 'i64': torch.int64,
          'i32': torch.int32, 'u8': torch.uint8}
FILES = {  # manifest: config of the main part
    'rdm_vitb_uncond': 'rdm/mocov3_vit_b',
    'rdm_vitb_classcond': 'rdm/mocov3_vit_b_class_cond',
    'rdm_vitl_uncond': 'rdm/mocov3_vit_l',
    'rdm_vitl_classcond': 'rdm/mocov3_vit_l_class_cond',
    'mage_b_rep': 'rcg/mage_b',
    'mage_b_class': 'rcg/mage_b_label',
    'mage_b_uncond': 'rcg/mage_b_uncond',
    'mage_l_rep': 'rcg/mage_l',
}


def published(name):
    """The state dict of a manifest, without numbers."""
    return {key: torch.empty(shape, dtype=DTYPES[dtype], device='meta')
            for key, (shape, dtype) in load_manifest(name)['model'].items()}


def looks(tensors):
    return {name: (tuple(value.shape), value.dtype)
            for name, value in tensors.items()}


def model_of(config):
    cfg = load_config(str(CONFIGS / f'{config}.py'))
    with DefaultScope.overwrite_default_scope('rcg'), torch.device('meta'):
        return MODELS.build(without_weights(cfg.model.to_dict()))


@pytest.mark.parametrize('name', FILES)
def test_every_tensor_of_ours_comes_from_the_file_and_goes_back(name):
    state, model = published(name), model_of(FILES[name])
    if name.startswith('rdm'):
        convert, back, ignored = (rdm.rdm_from_published,
                                  rdm.rdm_to_published, rdm.rdm_ignored)
        ours = model.state_dict()
    else:
        convert, back, ignored = (mage.mage_from_published,
                                  mage.mage_to_published, mage.mage_ignored)
        ours = model.generator.network.state_dict()
    assert looks(convert(state)) == looks(ours)
    returned, theirs = looks(back(ours)), looks(state)
    assert returned.items() <= theirs.items()
    # Used by other variants of the same format.
    unused = {'fake_latent', 'cond_stage_model.embedding.weight'}
    for tensor in theirs.keys() - returned.keys() - unused:
        assert ignored(tensor), tensor
    for tensor in returned:
        assert ignored(tensor) is None, tensor


@pytest.mark.parametrize('name', FILES)
def test_a_file_is_split_into_parts_of_our_sizes_and_joined_again(name):
    state, model = published(name), model_of(FILES[name])
    parts = split(recognize(state), state)
    assert parts[0].config == f'configs/{FILES[name]}.py'
    found = {part.format: looks(part.weights) for part in parts[1:]}
    meta = torch.device('meta')
    if model.encoder is not None:
        assert found['mocov3'] == looks(model.encoder.on(meta).state_dict())
    if name.startswith('mage'):
        assert found['vqgan'] == looks(model.tokenizer.on(meta).state_dict())
    assert looks(join(parts)) == looks(state)


@pytest.mark.parametrize('name', FILES)
def test_numbers_of_parameters(name):
    manifest, model = load_manifest(name), model_of(FILES[name])
    ours = sum(p.numel() for p in model.parameters())
    if name.startswith('rdm'):
        groups = manifest['elements_by_group']
        labels = groups['cond_stage_model.'] * name.endswith('classcond')
        assert ours == groups['model.'] + labels
        return
    never_used = sum(
        value.numel() for key, value in published(name).items()
        if not key.startswith(('vqgan.', 'pretrained_encoder.'))
        and (mage.mage_ignored(key)
             or key == 'fake_latent' and not name.endswith('rep')))
    assert ours == manifest['elements']['generator'] - never_used
