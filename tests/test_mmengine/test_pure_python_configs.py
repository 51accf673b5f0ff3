"""MMEngine's pure-Python configs: ``read_base``, classes for types."""
import copy
import pickle

import pytest
import torch
from mmengine.config import Config
from mmengine.config.utils import ConfigParsingError
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from rcg import apis
from rcg.checkpoint import CheckpointError, read_checkpoint
from rcg.engine import RcgRunner, bare_model, load_config
from rcg.models.diffusers import RDM
from tests.test_engine.running import CONFIG, scalars

BASE = """
import itertools

from mmengine.config import read_base
from mmengine.runner import TestLoop, ValLoop
from torch.utils.data import default_collate

import rcg.engine.hooks.ema
from rcg.datasets import SeedBatchSampler, SeedDataset, StreamSampler
from rcg.engine import StreamTrainLoop

with read_base():
    from rcg.configs._base_.default_runtime import *


def loader(dataset, **others):
    # Functions in a config are no keys of it.
    return dict(batch_size=4, num_workers=0, dataset=dataset,
                collate_fn=dict(type=default_collate), **others)


_size = len(list(itertools.repeat(0, 26)))
train_dataloader = loader(
    dict(type='ToyDataset', size=_size),
    sampler=dict(type=StreamSampler, seed=0))
train_cfg = dict(type=StreamTrainLoop, max_iters=10, val_interval=5)
val_dataloader = loader(
    dict(type=SeedDataset, num_images=10),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type=SeedBatchSampler))
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
custom_imports = dict(imports=['tests.test_engine.toy'])
custom_hooks = [
    dict(type=rcg.engine.hooks.ema.TrainableEMAHook, decay=.9),
    dict(type='SampleGridHook', interval=5, num_images=7)]
"""
PURE = """
from mmengine.config import read_base
from mmengine.optim import LinearLR
from torch.optim import AdamW

from rcg.engine import AutocastOptimWrapper, TwoGroupConstructor
from tests.test_engine.toy import ToyMetric, ToyModel

with read_base():
    from .base import *

model = dict(type=ToyModel, dropout=.1)
optim_wrapper = dict(
    type=AutocastOptimWrapper, dtype='float32',
    constructor=TwoGroupConstructor,
    optimizer=dict(type=AdamW, base_lr=.64, weight_decay=.1),
    clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(type=LinearLR, start_factor=.1, by_epoch=False, begin=0, end=3)]
val_evaluator = dict(type=ToyMetric)
test_dataloader, test_evaluator = val_dataloader, val_evaluator
default_hooks.update(
    logger=dict(type='ProgressHook', interval=1),
    checkpoint=dict(type='PlainCheckpointHook', interval=2, max_keep_ckpts=2))
"""


@pytest.fixture
def pure(tmp_path):
    """The toy config, written with classes in two files."""
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'pure.py').write_text(PURE)
    return str(tmp_path / 'pure.py')


def weights(runner):
    return bare_model(runner).state_dict()


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items())


def trained(config, folder, **options):
    return apis.train(config, work_dir=str(folder), **options)


def test_classes_and_type_strings_are_the_same_run(pure, tmp_path):
    """Trained, dumped, resumed with either, and tested."""
    whole = trained(pure, tmp_path / 'pure')
    text = trained(CONFIG, tmp_path / 'text')
    assert same(weights(whole), weights(text))
    assert scalars(tmp_path / 'pure') == scalars(tmp_path / 'text')
    dumped = str(tmp_path / 'pure' / 'pure.py')
    for config, origin in ((pure, 'text'), (CONFIG, 'pure'),
                           (dumped, 'pure'), (dumped, 'text')):
        runner = trained(
            config, tmp_path / 'more',
            resume=str(tmp_path / origin / 'iter_8.pth'))
        assert same(weights(whole), weights(runner)), (config, origin)
    scores = [apis.test(config, str(tmp_path / 'pure'), work_dir=str(
        tmp_path / 'test'))['toy/mean'] for config in (pure, CONFIG, dumped)]
    assert len(set(scores)) == 1


def test_another_class_is_another_run(pure, tmp_path):
    trained(pure, tmp_path / 'run')
    changed = PURE.replace('AdamW', 'RAdam').replace('decay=.1', 'decay=.2')
    (tmp_path / 'pure.py').write_text(changed)
    with pytest.raises(CheckpointError) as caught:
        trained(pure, tmp_path / 'run', resume='auto')
    message = str(caught.value)
    assert "optimizer.type: was 'AdamW', is 'RAdam'" in message
    assert message.count('optim_wrapper') == 2


def test_a_dumped_config_builds_the_same(pure, tmp_path, capsys):
    cfg = load_config(pure, {'model.dropout': .2})
    assert 'Names that start' not in capsys.readouterr().err
    cfg.dump(tmp_path / 'dumped.py')
    again = load_config(str(tmp_path / 'dumped.py'))
    assert again.to_dict() == cfg.to_dict()
    assert again.model.type == 'tests.test_engine.toy.ToyModel'
    assert 'loader' not in cfg and 'itertools' not in cfg
    for copied in (copy.deepcopy(cfg), pickle.loads(pickle.dumps(cfg))):
        assert copied.pretty_text == cfg.pretty_text


def test_misspelt_keys_are_refused(pure, tmp_path):
    (tmp_path / 'pure.py').write_text(PURE + '\ntrian_cfg = dict()\n')
    with pytest.raises(KeyError, match="'trian_cfg'.*'train_cfg'"):
        load_config(pure)


def test_our_configs_are_inherited_from_any_folder(tmp_path, monkeypatch):
    """Though they have ``_base_`` and variables of the environment."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'mine.py'
    path.write_text("""
from mmengine.config import read_base
from torch.optim import SGD
from rcg.models.diffusers import RDM
with read_base():
    from rcg.configs.digits.rdm import *
optim_wrapper['optimizer'] = dict(type=SGD, lr=.1)
model.update(type=RDM)
""")
    cfg, ours = load_config(str(path)), load_config('rcg::digits/rdm.py')
    assert cfg.model.pop('type') is RDM
    assert cfg.optim_wrapper.optimizer == dict(type=torch.optim.SGD, lr=.1)
    for config in (cfg, ours):
        config.pop('optim_wrapper')
    ours.model.pop('type')
    assert cfg.to_dict() == ours.to_dict()


def test_calls_of_what_is_imported_later_are_explained(pure, tmp_path):
    (tmp_path / 'pure.py').write_text(PURE + '\nvalue = AdamW()\n')
    with pytest.raises(ConfigParsingError, match='calls a function that it'):
        load_config(pure)


@pytest.mark.parametrize(('line', 'message'), [
    ('from rcg.configs.digits.rmd import *', 'rmd.py not found'),
    ('from no_package.configs.digits import *',
     "'no_package', which is not installed")])
def test_bases_that_are_missing_are_named(tmp_path, line, message):
    path = tmp_path / 'mine.py'
    path.write_text('from mmengine.config import read_base\n'
                    f'with read_base():\n    {line}\n')
    with pytest.raises(Exception, match=message):
        load_config(str(path))


def test_a_stock_runner_trains_from_a_stock_config(tmp_path):
    """``Config.fromfile`` and ``Runner.from_cfg``, with classes alone."""
    stock = BASE.replace('len(list(itertools.repeat(0, 26)))', '26')
    stock = stock.replace("""with read_base():
    from rcg.configs._base_.default_runtime import *""", '')
    stock = stock.replace('import itertools\n', '') + 'del loader\n'
    (tmp_path / 'base.py').write_text(stock)
    (tmp_path / 'pure.py').write_text(PURE.replace(
        'base_lr=.64', 'lr=.01').partition('default_hooks.update')[0] + """
from rcg.engine import LightRuntimeInfoHook, PlainCheckpointHook
from tests.test_engine.toy import ToyDataset
train_dataloader['dataset'].update(type=ToyDataset)
default_hooks = dict(
    runtime_info=dict(type=LightRuntimeInfoHook), sampler_seed=None,
    checkpoint=dict(type=PlainCheckpointHook, interval=5))
default_scope = 'rcg'
""")
    for runner_class in (Runner, RcgRunner):
        init_default_scope('rcg')
        cfg = Config.fromfile(str(tmp_path / 'pure.py'))
        cfg.work_dir = str(tmp_path / runner_class.__name__)
        cfg.train_dataloader.sampler.seed = 0
        runner_class.from_cfg(cfg).train()
    first, second = (read_checkpoint(tmp_path / name / 'iter_10.pth')
                     for name in ('Runner', 'RcgRunner'))
    assert first['state_dict'].keys() == second['state_dict'].keys()
