"""Failed look-ups say what comes nearest, and where they looked."""
import pytest
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope, init_default_scope

from rcg.registry import (
    ENCODERS,
    FEATURE_EXTRACTORS,
    HOOKS,
    MODELS,
    PIXEL_GENERATORS,
    REPRESENTATION_DIFFUSERS,
    TOKENIZERS,
)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        yield


def test_misspelt_type_names_the_nearest():
    with pytest.raises(KeyError, match='MAGEViT') as error:
        MODELS.build(dict(type='MAGEVit'))
    assert "registry 'model'" in str(error.value)
    with pytest.raises(KeyError, match="Did you mean 'MAGE'"):
        PIXEL_GENERATORS.build(dict(type='MAGe'))


def test_types_of_pretraining_are_known():
    assert FEATURE_EXTRACTORS.get('ConvClassifier')
    assert HOOKS.get('RecomputeBatchNormHook')
    with pytest.raises(KeyError, match="Did you mean 'MoCoV3'"):
        MODELS.build(dict(type='MoCov3'))


def test_misspelt_argument_names_the_nearest():
    with pytest.raises(TypeError, match="'DenoisingMLP'.*'widht'.*'width'"):
        MODELS.build(dict(type='DenoisingMLP', rep_dim=4, widht=8))


def test_the_roots_of_mmengine_say_it_too():
    with pytest.raises(KeyError, match='RCG'):
        ROOT_MODELS.build(dict(type='RCg'))
    with pytest.raises(TypeError, match="'intervall'.*'interval'"):
        ROOT_HOOKS.build(dict(type='LoggerHook', intervall=3))


def test_a_part_in_the_wrong_slot_fails_by_name():
    assert TOKENIZERS.build(dict(type='VQGAN', dim=32, z_dim=4)).num_codes
    with pytest.raises(KeyError, match="'VQGAN' is a tokenizer, not a enc"):
        ENCODERS.build(dict(type='VQGAN'))


def test_every_part_is_found_by_its_role():
    assert TOKENIZERS.get('VQGAN').__name__ == 'VQGAN'
    assert ENCODERS.get('MoCoV3ViT').__name__ == 'MoCoV3ViT'
    assert REPRESENTATION_DIFFUSERS.get('RDM') is MODELS.get('RDM')
    assert HOOKS.get('CheckpointHook').__name__ == 'CheckpointHook'


def test_without_a_scope_names_resolve_with_a_prefix():
    init_default_scope('mmengine')
    assert ROOT_MODELS.get('rcg.RCG').__name__ == 'RCG'
