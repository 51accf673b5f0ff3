"""Stock parts of MMEngine work, and stay as they are for others."""
import copy
import subprocess
import sys

import mmengine.registry as root
import pytest
import torch
from mmengine.model import BaseModule, ConstantInit
from mmengine.registry import DefaultScope
from torch import nn

from rcg.checkpoint import CheckpointError
from rcg.engine import bare_model
from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.frozen import Frozen
from rcg.models.encoders import ConvEncoder
from rcg.registry import ENCODERS, MODELS, PIXEL_GENERATORS
from tests.test_engine.running import build_runner, environment
from tests.test_engine.toy import ToyModel
from tests.test_models import tiny
from tests.test_pretraining.test_kl import TOKENIZER as KL


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        yield


# What others that share the process rely on. Executed by a fresh process.
_UNCHANGED = """
import importlib, importlib.util, pkgutil, sys
import mmengine.logging.logger as logger
import mmengine.model, mmengine.runner, mmengine.registry
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import CheckpointLoader

def state():
    found = {}
    for name, registry in vars(mmengine.registry).items():
        if isinstance(registry, Registry):
            found[name] = {**registry.module_dict,
                           'build_func': registry.build_func}
    for module in list(sys.modules.values()):
        name = getattr(module, '__name__', '')
        if name in seen:
            found[name] = dict(vars(module))
            for kind, cls in vars(module).items():
                if isinstance(cls, type) and cls.__module__ == name:
                    found[name, kind] = dict(vars(cls))
    found['schemes'] = dict(CheckpointLoader._schemes)
    found['scope'] = DefaultScope.get_current_instance()
    return found

seen = {name for name in sys.modules if name.startswith('mmengine')}
before = state()
assert before['schemes'] and len(before['MODELS']) > 1
import rcg.apis.scoring, rcg.models
# They take about a second each: imported where they are used.
slow = {'torchvision', 'sklearn', 'scipy', 'matplotlib', 'timm',
        'torch._dynamo'}
assert not slow & set(sys.modules), slow & set(sys.modules)
for module in pkgutil.walk_packages(rcg.__path__, 'rcg.'):
    if module.name.startswith('rcg.projects.'):
        continue
    # What an extra is needed for is the only thing that may fail to import.
    if module.name != 'rcg.apis.demo.page' or importlib.util.find_spec(
            'gradio'):
        importlib.import_module(module.name)
after = state()
# What imports of MMEngine's own submodules add is no change.
for name, value in before.items():
    if not isinstance(value, dict):
        assert after[name] == value, name
        continue
    changed = [key for key in value if after[name].get(key) is not value[key]
               and key not in ('__builtins__', '_abc_impl')]
    assert not changed, (name, changed)
"""


@pytest.mark.slow
def test_importing_rcg_changes_nothing_of_mmengine():
    done = subprocess.run([sys.executable, '-c', _UNCHANGED],
                          capture_output=True, text=True, check=False,
                          env=environment(), timeout=600)
    assert done.returncode == 0, done.stderr



# init_cfg of parts
def pretrained(module, path, prefix=''):
    """Write weights of ones for a module; the init_cfg that loads them."""
    state = {prefix + name: torch.ones_like(value)
             for name, value in module.state_dict().items()}
    torch.save({'state_dict': state}, path)
    return dict(type='Pretrained', checkpoint=str(path))


def is_ones(module):
    return all((value == 1).all() for value in module.parameters())


def test_init_cfg_of_an_encoder(tmp_path):
    cfg = pretrained(ENCODERS.build(tiny.ENCODER), tmp_path / 'a.pth', 'q.')
    encoder = ENCODERS.build(dict(
        tiny.ENCODER, init_cfg=dict(cfg, prefix='q.')))
    assert not is_ones(encoder)
    encoder.init_weights()
    assert is_ones(encoder)


def test_init_cfg_of_frozen_parts(tmp_path):
    cfg = pretrained(ENCODERS.build(tiny.ENCODER), tmp_path / 'a.pth')
    encoder = dict(tiny.ENCODER, init_cfg=cfg)
    tokenizer = dict(tiny.TOKENIZER, init_cfg=dict(
        type='Constant', val=1., bias=1., layer='Conv2d'))
    model = tiny.rcg(encoder=encoder, tokenizer=tokenizer)
    assert is_ones(model.encoder)
    assert model.encoder.sha256 and model.encoder.checkpoint
    convolutions = [module for module in model.tokenizer.modules()
                    if isinstance(module, nn.Conv2d)]
    assert convolutions and all(map(is_ones, convolutions))
    assert is_ones(shared_extractor(encoder).module)


def test_init_cfg_of_a_generators_network(tmp_path):
    generator = tiny.diffusion()
    cfg = pretrained(PIXEL_GENERATORS.build(generator).network,
                     tmp_path / 'a.pth')
    network = dict(generator['network'], init_cfg=cfg)
    model = tiny.rcg(generator=dict(generator, network=network),
                     tokenizer=dict(type='Pixels'))
    model = copy.deepcopy(model)  # as for an average of the weights
    assert not is_ones(model.generator.network)
    model.init_weights()
    assert is_ones(model.generator.network)


def test_init_cfg_of_parts_inside_each_other():
    def constant(value):
        return dict(type='Constant', val=value, bias=value, layer='Linear')

    generator = tiny.generator(
        dict(tiny.CONDITIONS['representation'], init_cfg=constant(1.)))
    generator['init_cfg'] = constant(0.)
    model = MODELS.build(dict(
        type='RCG', generator=generator, tokenizer=tiny.TOKENIZER,
        encoder=tiny.ENCODER, data_preprocessor=tiny.PREPROCESSOR,
        init_cfg=dict(type='Constant', val=7., layer='LayerNorm')))
    model.init_weights()
    network = model.generator.network
    assert is_ones(network.condition_embed.condition_proj)
    others = [module for name, module in network.named_modules()
              if isinstance(module, nn.Linear) and 'condition' not in name]
    assert others and not any(module.weight.any() for module in others)
    assert any((module.weight == 7).all() for module in network.modules()
               if isinstance(module, nn.LayerNorm))


_PARTS = dict(data_preprocessor=tiny.PREPROCESSOR)
WHOLE = dict(
    RCG=dict(generator=tiny.generator(), tokenizer=tiny.TOKENIZER,
             encoder=tiny.ENCODER, rdm=tiny.RDM),
    RDM={**tiny.RDM, 'encoder': tiny.ENCODER},
    VQTraining=dict(tokenizer=tiny.TOKENIZER),
    KLTraining=dict(tokenizer=KL),
    MoCoV3=dict(encoder=tiny.ENCODER, views=[[], []], max_iters=9),
    SimCLR=dict(encoder=tiny.ENCODER, views=[[], []]),
    ClassifierTraining=dict(classifier=dict(type='ConvClassifier')),
    PCATraining=dict(encoder=dict(
        type='PixelPCA', image_size=4, num_components=4)))


@pytest.mark.parametrize('registry', [root.MODELS, MODELS])
@pytest.mark.parametrize('kind', WHOLE)
def test_init_cfg_of_a_whole_model(tmp_path, kind, registry):
    """By the registry of a stock Runner, and by ours."""
    cfg = {**WHOLE[kind], **_PARTS, 'type': kind}
    file = pretrained(registry.build(cfg), tmp_path / 'a.pth')
    model = registry.build(dict(cfg, init_cfg=file))
    model.init_weights()
    assert is_ones(model)
    if kind == 'PCATraining':  # it has buffers alone
        assert (model.products == 1).all()


def test_an_extractor_given_by_its_class():
    found = shared_extractor(dict(tiny.ENCODER, type=ConvEncoder))
    assert found._is_encoder


class Stock(BaseModule):
    """Another package's network."""

    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.linear = nn.Linear(2, 2)


class Holder(nn.Module):

    def __init__(self, part):
        super().__init__()
        self.parts = nn.ModuleList([MODELS.build(part)])


def test_init_cfg_of_a_module_of_mmengine_inside_ours():
    part = dict(type=Stock, init_cfg=dict(
        type=ConstantInit, val=1., bias=1., layer='Linear'))
    holder = MODELS.build(dict(type=Holder, part=part))
    holder.init_weights()
    assert is_ones(holder)
    assert is_ones(Frozen.build(MODELS, part))


def test_a_file_of_something_else_is_refused(tmp_path):
    cfg = pretrained(nn.Linear(3, 3), tmp_path / 'a.pth')
    encoder = ENCODERS.build(dict(tiny.ENCODER, init_cfg=cfg))
    with pytest.raises(CheckpointError, match='ConvEncoder'):
        encoder.init_weights()


@pytest.mark.slow
def test_the_runner_carries_out_init_cfg(tmp_path):
    path = tmp_path / 'a.pth'
    cfg = pretrained(ToyModel(), path)
    runner = build_runner(
        tmp_path, model__init_cfg=cfg, train_cfg__max_iters=1,
        optim_wrapper__optimizer__base_lr=0.)
    runner.train()
    assert is_ones(bare_model(runner))
