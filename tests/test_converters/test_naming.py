"""Sizes that nobody published, and weights of other publishers."""
import pytest
import torch

from rcg.converters.formats import recognize
from rcg.converters.naming import name_part
from tests.reference import load_case


@pytest.mark.parametrize(('case', 'format', 'stem'), [
    ('enc_mocov3', 'mocov3', 'mocov3_vit_64x2'),
    ('mage_rep', 'mage', 'mage_64x2_mocov3_vit_32x2'),
    ('rdm_classcond', 'rdm', 'rdm_mocov3_vit_32x2_class_cond'),
    ('adm_rep', 'adm', 'adm_32x6'),
    ('adm_classcond', 'adm', 'adm_32x4_label'),
    ('ldm_rep', 'ldm', 'ldm_32x4_mocov3_vit_32x2'),
    ('dit_rep', 'dit', 'dit_64x2_2'),
    ('dit_classcond', 'dit', 'dit_64x2_2_label'),
    ('vqgan_maskgit', 'vqgan', 'maskgit_vqgan_64x32')])
def test_sizes_of_nobody_get_names_of_their_own(case, format, stem):
    weights = load_case(case)[1]
    assert recognize(weights) == format
    assert name_part(format, weights)[0] == stem


def test_mmpretrain_is_not_taken_for_the_official_file():
    names = ['backbone.cls_token', 'backbone.layers.11.ln1.weight',
             'backbone.layers.0.ln1.weight', 'neck.fc0.weight']
    state = {name: torch.empty(1, 1, 768) for name in names}
    assert recognize(state) == 'mocov3_mmpretrain'
    assert name_part('mocov3_mmpretrain', state) == (
        'mocov3_vit_b_mmpretrain', 'configs/_base_/encoders/mocov3_vit_b.py')


@pytest.mark.parametrize('token', ['head.weight', 'blocks.0.norm1.weight'])
def test_without_a_class_token_there_is_no_size(token):
    assert name_part('deit', {token: torch.empty(3)})[0] == (
        'deit_vit_unknown')
