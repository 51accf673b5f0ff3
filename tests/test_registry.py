"""Failed look-ups say what comes nearest, and where they looked."""
import pytest
from mmengine.model import BaseModule
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import RUNNERS as ROOT_RUNNERS
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn
from torch.optim import AdamW

from rcg.models.networks import DenoisingMLP
from rcg.registry import (
    ENCODERS,
    FEATURE_EXTRACTORS,
    HOOKS,
    MODELS,
    OPTIMIZERS,
    PIXEL_GENERATORS,
    REPRESENTATION_DIFFUSERS,
    TOKENIZERS,
    hints,
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


def test_hints_explain_errors_of_the_roots_of_mmengine():
    with pytest.raises(KeyError, match="Did you mean.*'RCG'") as error, \
            hints():
        ROOT_MODELS.build(dict(type='RCg'))
    assert 'RCg is not in the' in str(error.value.__cause__)
    with pytest.raises(TypeError, match="'intervall'.*'interval'"), hints():
        ROOT_HOOKS.build(dict(type='LoggerHook', intervall=3))
    with pytest.raises(KeyError, match="Did you mean.*'RcgRunner'"), hints():
        ROOT_RUNNERS.build(dict(runner_type='RcgRuner'))


def test_an_unknown_name_is_not_in_a_registry():
    assert 'NoSuch' not in MODELS and MODELS.get('NoSuch') is None
    assert 'MAGE' not in ENCODERS and 'MAGE' in PIXEL_GENERATORS


class Backbone(BaseModule):
    """Gives arguments that it does not name to another class."""

    def __init__(self, init_cfg=None, **kwargs):
        super().__init__(init_cfg)
        self.part = self.build(**kwargs)

    def build(self, depth=1):
        return nn.Sequential(*[nn.Linear(1, 1) for _ in range(depth)])


class Derived(DenoisingMLP):

    def __init__(self, **kwargs):
        super().__init__(**kwargs)


class Faulty(nn.Module):

    def __init__(self, width=1):
        super().__init__()
        self.part = self.make(widht=width)

    def make(self, width):
        raise NotImplementedError


def test_arguments_may_go_on_to_another_class():
    for registry in ENCODERS, MODELS, ROOT_MODELS:
        assert len(registry.build(dict(type=Backbone, depth=3)).part) == 3
    with pytest.raises(TypeError, match=r'build\(\) got an unexpected'):
        MODELS.build(dict(type=Backbone, dept=3))
    with pytest.raises(TypeError, match="'Derived'.*'widht'.*'width'"):
        MODELS.build(dict(type=Derived, rep_dim=4, widht=8))


def test_an_error_inside_a_class_is_its_own():
    with pytest.raises(TypeError, match=r'Faulty.make\(\) got an unexp'):
        MODELS.build(dict(type=Faulty))


def test_types_may_be_classes():
    assert MODELS.build(dict(type=DenoisingMLP, rep_dim=4)).rep_dim == 4
    parameters = nn.Linear(1, 1).parameters()
    built = OPTIMIZERS.build(dict(type=AdamW, lr=.5, params=parameters))
    assert type(built) is AdamW
    with pytest.raises(TypeError, match="'AdamW'.*'lrr'.*'lr'"):
        OPTIMIZERS.build(dict(type=AdamW, lrr=.5, params=[]))
    with pytest.raises(TypeError, match='must be a str or valid type'):
        OPTIMIZERS.build(dict(type=3))


def test_the_class_of_a_config():
    assert MODELS.class_of(dict(type='DenoisingMLP')) is DenoisingMLP
    assert MODELS.class_of(dict(type=DenoisingMLP)) is DenoisingMLP
    with pytest.raises(KeyError, match="Did you mean 'DenoisingMLP'"):
        MODELS.class_of(dict(type='DenoisingMPL'))


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
