import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.converters.adm import (
    adm_from_published,
    adm_ignored,
    adm_to_published,
)
from rcg.models.layers.condition import embed_condition
from rcg.registry import MODELS
from tests.reference import (
    assert_close,
    find_cases,
    load_case,
    load_manifest,
)


def condition_of(options, num_classes):
    if options['rep_cond']:
        return dict(type='RepresentationCondition', drop_prob=0.,
                    rep_dim=options['rep_dim'])
    if options['class_cond']:
        return dict(type='LabelCondition', num_classes=num_classes)
    return None


def build(options, num_classes=1000):
    """A published network, by the options of its command line."""
    factors = options['channel_mult'] or '1,1,2,2,4,4'
    factors = list(map(int, factors.split(',')))
    sizes = list(map(int, options['attention_resolutions'].split(',')))
    size = options['image_size']
    with DefaultScope.overwrite_default_scope('rcg'):
        return MODELS.build(dict(
            type='UNet', input_size=size, in_channels=3,
            dim=options['num_channels'], dim_mult=factors,
            num_res_blocks=options['num_res_blocks'],
            attention_levels=[level for level in range(len(factors))
                              if size >> level in sizes],
            condition=condition_of(options, num_classes),
            form=dict(head_dim=options['num_head_channels'],
                      residual_resampling=options['resblock_updown'])))


def test_all_variants_are_stored():
    assert find_cases('adm_') == ['adm_classcond', 'adm_rep', 'adm_uncond']


@pytest.mark.parametrize('name', find_cases('adm_'))
@torch.no_grad()
def test_network_of_the_published_code(name):
    config, weights, case = load_case(name)
    net = build(config['options'], config['num_classes'])
    net.load_state_dict(adm_from_published(weights))
    embedding = embed_condition(net.condition_embed,
                                case.get('net.rep', case.get('net.y')))
    out = net.eval()(case['net.x'], case['net.t'], embedding)
    assert_close('net.out', out, case)


@pytest.mark.parametrize('name', find_cases('adm_'))
def test_case_survives_the_way_back(name):
    weights = load_case(name)[1]
    back = adm_to_published(adm_from_published(weights))
    assert back.keys() == weights.keys()
    for key, tensor in weights.items():
        assert back[key].data_ptr() == tensor.data_ptr()
        assert back[key].shape == tensor.shape


@pytest.mark.parametrize('name', ['adm_rep', 'adm_class', 'adm_uncond'])
def test_full_size_covers_the_published_format(name):
    manifest = load_manifest(name)
    with torch.device('meta'):
        net = build(manifest['options'])
        theirs = {key: torch.empty(shape)
                  for key, (shape, _) in manifest['model'].items()}
    assert sum(p.numel() for p in net.parameters()) == manifest['elements']
    shapes = {key: t.shape for key, t in net.state_dict().items()}
    assert {key: t.shape for key, t
            in adm_from_published(theirs).items()} == shapes
    assert {key: t.shape for key, t
            in adm_to_published(net.state_dict()).items()} == {
                key: t.shape for key, t in theirs.items()}
    assert not any(map(adm_ignored, theirs))


def test_what_is_of_no_use():
    with pytest.raises(KeyError, match="ADM.*'input_blocks.1.0.other.weight'"):
        adm_ignored('input_blocks.1.0.other.weight')
    with pytest.raises(ValueError, match="'input_blocks.'.*'model_ema'"):
        adm_from_published({'model': torch.ones(1)})
