"""A published file in parts, and together again, bit for bit."""
import pytest
import torch

from rcg.converters.parts import digest, join, same_bits, split
from tests.reference import find_cases, load_case
from tests.test_converters.test_formats import FULL_SIZE, published

CASES = [name for prefix in ('enc_', 'rdm_', 'vq', 'mage_', 'adm_', 'ldm_',
                               'dit_')
         for name in find_cases(prefix)]
FORMATS = dict(enc_mocov3_renamed='mocov3', vqgan_maskgit='vqgan',
             vq_f8='vq_f8')
WITHOUT_AVERAGES = {'ldm_rep'}


def format_of(case):
    kind, _, rest = case.partition('_')
    return FORMATS.get(case, rest if kind == 'enc' else kind)


def test_there_are_cases_of_every_kind():
    assert {format_of(case) for case in CASES} >= {
        'mocov3', 'dino', 'ibot', 'deit', 'vqgan', 'vq_f8', 'rdm', 'mage',
        'adm', 'ldm', 'dit'}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('averaged', [True, False])
def test_round_trip(case, averaged):
    weights = load_case(case)[1]
    before = digest(weights)
    averaged = averaged and case not in WITHOUT_AVERAGES
    back = join(split(format_of(case), weights, averaged))
    assert back.keys() == weights.keys()
    assert all(same_bits(back[name], weights[name]) for name in weights)
    assert digest(back) == before == digest(weights)


@pytest.mark.parametrize('name', [n for n, (_, s) in FULL_SIZE.items() if s])
def test_round_trip_of_full_size_names(name):
    _, state = published(name)
    parts = split(FULL_SIZE[name][0], state)
    back = join(parts)
    assert back.keys() == state.keys()
    assert all(same_bits(back[name], state[name]) for name in state)
    counted = sum(len(part.weights) + len(part.rest) for part in parts)
    assert counted == len(state)
    assert all(part.rest.keys() == part.ignored.keys() for part in parts)


def test_a_mage_file_holds_three_parts():
    weights = load_case('mage_rep')[1]
    parts = split('mage', weights)
    assert [part.format for part in parts] == ['mage', 'mocov3', 'vqgan']
    assert set(parts[0].ignored) == {
        'cls_token', 'pos_embed', 'mask_token', 'decoder_pos_embed',
        'token_emb.position_ids', 'patch_embed.proj.weight',
        'patch_embed.proj.bias', 'decoder_pred.weight', 'decoder_pred.bias'}
    names = parts[0].named()
    assert names['published.cls_token'] is weights['cls_token']
    assert 'generator.network.embed.word.weight' in names
    assert all(name.startswith('generator.') for name in parts[0].named(True))


def test_an_ldm_file_holds_three_parts():
    weights = load_case('ldm_rep')[1]
    parts = split('ldm', weights, averaged=False)
    assert [part.format for part in parts] == ['ldm', 'mocov3', 'vq_f8']
    assert set(parts[0].ignored.values()) == {
        'noise schedule, which is computed here',
        'label embedding that this network does not look at'}
    assert all(name.startswith('generator.network.')
               for name in parts[0].named(lean=True))


@pytest.mark.parametrize(('case', 'name', 'reason'), [
    ('mage_uncond', 'fake_latent', 'null representation'),
    ('rdm_uncond', 'cond_stage_model.embedding.weight', 'label embedding'),
    ('ldm_rep', 'cond_stage_model.embedding.weight', 'label embedding')])
def test_what_a_variant_does_not_use(case, name, reason):
    part = split(format_of(case), load_case(case)[1],
                 case not in WITHOUT_AVERAGES)[0]
    assert reason in part.ignored[name]


@pytest.mark.parametrize('averaged', [True, False])
def test_averaged_or_live(averaged):
    weights = load_case('rdm_uncond')[1]
    part = split('rdm', weights, averaged)[0]
    name = ('model_ema.diffusion_modelinput_projweight' if averaged else
            'model.diffusion_model.input_proj.weight')
    assert part.weights['denoiser.input_proj.weight'] is weights[name]


def test_an_encoder_of_another_kind_stays_with_the_generator():
    weights = {name: value for name, value in load_case('mage_rep')[1].items()
               if '.running_' not in name}
    parts = split('mage', weights)
    assert [part.format for part in parts] == ['mage', 'vqgan']
    assert 'pretrained_encoder.cls_token' in parts[0].rest
    assert join(parts).keys() == weights.keys()


def test_what_cannot_be_explained_is_refused():
    weights = load_case('mage_rep')[1]
    with pytest.raises(ValueError, match=r'1 of \d+.*not explained: extra.w'):
        split('mage', weights | {'extra.w': torch.ones(1)})
    with pytest.raises(ValueError, match='no tensors: note'):
        split('mage', weights | {'note': 'x'})


def test_a_missing_average_is_named():
    weights = dict(load_case('rdm_uncond')[1])
    del weights['model_ema.diffusion_modelinput_projbias']
    with pytest.raises(KeyError, match='input_projbias.*live'):
        split('rdm', weights)
    assert split('rdm', weights, averaged=False)


def test_same_bits():
    nan = torch.tensor([float('nan'), 0.])
    assert same_bits(nan, nan.clone())
    assert not same_bits(nan, -nan)  # a zero has a sign
    assert not same_bits(nan, nan.half())
    assert not same_bits(torch.zeros(2), torch.zeros(1, 2))
    assert same_bits(torch.tensor(3), torch.tensor(3))
    assert digest({'a': nan}) != digest({'b': nan})
    assert digest({'a': nan, 'b': nan}) == digest({'b': nan, 'a': nan})
