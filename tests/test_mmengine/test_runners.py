"""Stock MMEngine hooks, backends, runners and strategies with our parts."""
import contextlib
import sys
import types

import pytest
import torch
from mmengine.hooks import NaiveVisualizationHook
from mmengine.model import MMFullyShardedDataParallel
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import FlexibleRunner, Runner

from rcg.checkpoint import find_checkpoint, read_checkpoint
from rcg.engine import (
    FSDPStrategy,
    RcgRunner,
    SampleGridHook,
    TrainableEMAHook,
    load_config,
    strategies,
)
from rcg.engine.hooks import runtime_info
from rcg.registry import DATASETS
from tests.forked import call_in_two
from tests.test_engine.running import CONFIG, build_runner, scalars
from tests.test_engine.test_runner import NoFetch
from tests.test_engine.toy import ToyDataset
from tests.test_models import tiny


def by_epoch():
    """Three epochs of seven iterations."""
    return dict(
        train_cfg=dict(_delete_=True, type='EpochBasedTrainLoop',
                       max_epochs=3),
        train_dataloader__sampler=dict(
            _delete_=True, type='DefaultSampler', shuffle=True),
        param_scheduler=[
            dict(type='ConstantLR', factor=.5, by_epoch=True, end=2)])


def checkpoint_hook(**arguments):
    return dict(_delete_=True, type='CheckpointHook', **arguments)


def test_checkpoint_hook_writes_what_our_runner_resumes(tmp_path):
    """Interval, last and newest checkpoints, counted in iterations."""
    def build(name, **options):
        return build_runner(
            tmp_path / name, **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=4, by_epoch=False, max_keep_ckpts=2))

    whole = build('whole')
    whole.train()
    names = sorted(p.name for p in (tmp_path / 'whole').glob('*.pth'))
    assert names == ['iter_10.pth', 'iter_8.pth']
    assert find_checkpoint(tmp_path / 'whole').endswith('iter_10.pth')
    assert read_checkpoint(tmp_path / 'whole/iter_8.pth')['meta']['iter'] == 8

    path = tmp_path / 'whole' / 'iter_8.pth'
    other = build('other', resume=True, load_from=str(path))
    other.train()
    assert sorted(scalars(tmp_path / 'other')) == [9, 10]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value), name


def test_last_checkpoint_of_a_moved_folder_is_found(tmp_path):
    def build(name, **options):
        return build_runner(
            tmp_path / name, train_cfg__max_iters=4, **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=2, by_epoch=False))

    build('first').train()
    (tmp_path / 'first' / 'last_checkpoint').write_text(
        str(tmp_path / 'first' / 'iter_2.pth'))
    (tmp_path / 'first').rename(tmp_path / 'moved')
    build('moved', resume=True).train()
    assert find_checkpoint(tmp_path / 'moved') == str(
        tmp_path / 'moved' / 'iter_4.pth')


def test_checkpoint_hook_counts_epochs(tmp_path):
    def build(name, **options):
        return build_runner(
            tmp_path / name, **by_epoch(), **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=2, by_epoch=True, save_last=True))

    whole = build('whole')
    whole.train()
    meta = read_checkpoint(tmp_path / 'whole' / 'epoch_2.pth')['meta']
    assert (meta['epoch'], meta['iter']) == (2, 14)  # 26 images, 4 a batch
    assert (tmp_path / 'whole' / 'epoch_3.pth').is_file()
    other = build('other', resume=True,
                  load_from=str(tmp_path / 'whole' / 'epoch_2.pth'))
    other.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value), name


@pytest.mark.parametrize('best', ['auto', 'toy/mean', ['toy/mean']])
def test_checkpoint_hook_keeps_the_best(tmp_path, best):
    build_runner(tmp_path, default_hooks__checkpoint=checkpoint_hook(
        interval=5, by_epoch=False, save_best=best, rule='less',
        published_keys=['state_dict', 'meta'])).train()
    found, = (p for p in tmp_path.glob('best_toy_mean_iter_*.pth')
              if '-' not in p.name)
    content = read_checkpoint(found)
    assert 'optimizer' not in content
    assert found.name == f'best_toy_mean_iter_{content["meta"]["iter"]}.pth'
    published, = tmp_path.glob('iter_10-*.pth')
    assert set(read_checkpoint(published)) == {'state_dict', 'meta'}


def test_checkpoint_hook_leaves_out_the_optimizer(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=2,
                 default_hooks__checkpoint=checkpoint_hook(
                     by_epoch=False, save_optimizer=False,
                     save_param_scheduler=False, out_dir=str(tmp_path / 'o'),
                     backend_args=dict(backend='local'))).train()
    path = tmp_path / 'o' / tmp_path.name / 'iter_2.pth'
    assert find_checkpoint(tmp_path) == str(path)
    assert not {'optimizer', 'param_schedulers'} & set(read_checkpoint(path))


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_checkpoint_hook_with_the_arguments_of_old_configs(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=2,
                 default_hooks__checkpoint=checkpoint_hook(
                     by_epoch=False,
                     file_client_args=dict(backend='disk'))).train()
    assert (tmp_path / 'iter_2.pth').is_file()


def logger_hook(**arguments):
    return dict(_delete_=True, type='LoggerHook', **arguments)


@pytest.mark.parametrize('runner_type', ['RcgRunner', 'Runner'])
def test_logger_hook_alone_logs_loss_and_rate(tmp_path, runner_type):
    """It writes what it writes beside MMEngine's RuntimeInfoHook."""
    def train(name, runtime_info):
        cfg = load_config(CONFIG, {
            'work_dir': str(tmp_path / name), 'runner_type': runner_type,
            'optim_wrapper.optimizer': dict(type='AdamW', lr=.01,
                                            _delete_=True),
            'default_hooks.runtime_info': dict(type=runtime_info),
            'default_hooks.logger': logger_hook(
                interval=3, log_metric_by_epoch=False),
            # Stock Runners of one name and second share their backends.
            'experiment_name': f'{runner_type} {name}'})
        cfg.default_hooks.timer = dict(type='IterTimerHook')
        if runtime_info == 'LightRuntimeInfoHook':
            del cfg.default_hooks.timer
        RUNNERS.build(cfg).train()
        return {key: scalars(tmp_path / name, key) for key in (
            'loss', 'loss_noise', 'lr', 'toy/mean', 'time', 'data_time')}

    ours = train('ours', 'LightRuntimeInfoHook')
    stock = train('stock', 'RuntimeInfoHook')
    for key in ('loss', 'loss_noise', 'lr'):
        assert ours[key] == stock[key], key
    assert sorted(ours['loss']) == [3, 6, 9]
    assert sorted(ours['toy/mean']) == [5, 10]
    for key in ours:
        assert ours[key].keys() == stock[key].keys(), key
    assert 'grad_norm: ' in next((tmp_path / 'ours').glob(
        '*/*.log')).read_text()


def test_logger_hook_does_not_wait_for_the_device_in_between(tmp_path):
    runner = build_runner(
        tmp_path, default_hooks__logger=logger_hook(interval=4),
        default_hooks__checkpoint__interval=100, train_cfg__max_iters=8,
        custom_hooks=[])
    run_iter = runner.train_loop.run_iter

    def watch(batch):
        with (contextlib.nullcontext() if runner.iter in (0, 3, 6, 7)
              else NoFetch()):  # lines come after 3, 6 (a pass) and 7
            run_iter(batch)

    runner.train_loop.run_iter = watch
    runner.train()
    assert sorted(scalars(tmp_path)) == [4, 8]
    history = runner.message_hub.get_scalar('train/loss')
    assert len(history.data[0]) == 8


def test_history_of_the_logger_hook_survives(tmp_path):
    def build(name, **options):
        return build_runner(
            tmp_path / name, **options,
            default_hooks__logger=logger_hook(interval=4))

    whole = build('whole')
    whole.train()
    path = tmp_path / 'whole' / 'iter_8.pth'
    other = build('other', resume=True, load_from=str(path))
    other.train()
    for name in ('train/loss', 'train/lr', 'train/grad_norm'):
        first, second = (runner.message_hub.get_scalar(name).data[0]
                         for runner in (whole, other))
        assert len(first) == 10
        assert (first == second).all()


def test_ema_hook_averages_and_goes_on(tmp_path):
    def build(name, **options):
        return build_runner(tmp_path / name, **options, custom_hooks=[
            dict(type='EMAHook', momentum=.1)])

    whole = build('whole')
    whole.train()
    path = tmp_path / 'whole' / 'iter_8.pth'
    other = build('other', resume=True, load_from=str(path))
    other.train()
    first, second = (read_checkpoint(tmp_path / name / 'iter_10.pth')
                     for name in ('whole', 'other'))
    for key in ('state_dict', 'ema_state_dict'):
        assert first[key].keys() == second[key].keys()
        for name, value in first[key].items():
            assert torch.equal(value, second[key][name]), name
    assert not torch.equal(
        first['state_dict']['net.0.weight'],
        first['ema_state_dict']['module.net.0.weight'])


def test_early_stopping_hook_stops_with_a_checkpoint(tmp_path, capsys):
    """It says so, and the last checkpoint is not lost."""
    runner = build_runner(
        tmp_path, train_cfg__max_iters=100, train_cfg__val_interval=3,
        default_hooks__checkpoint__interval=50, custom_hooks=[
            dict(type='EarlyStoppingHook', monitor='toy/mean', patience=1,
                 rule='less', min_delta=1000.)])
    runner.train()
    assert runner.iter == 6
    assert 'training stopped after 6 of 100 iterations' in (
        capsys.readouterr().out)
    assert find_checkpoint(tmp_path) == str(tmp_path / 'iter_6.pth')


class DrawingHook(NaiveVisualizationHook):
    """Its like in OpenMMLab's packages, without their data samples.

    The stock class pads and resizes samples of one image each, and its
    authors write that it functions incorrectly.
    """

    def after_test_iter(self, runner, batch_idx, data_batch=None,
                        outputs=None) -> None:
        for output in outputs:
            runner.visualizer.set_image(
                output['images'].permute(1, 2, 0).numpy().repeat(9, 0))
            runner.visualizer.draw_lines(torch.tensor([0., 1.]),
                                         torch.tensor([0., 9.]))
            runner.visualizer.add_image(
                f'test_{output["index"]}', runner.visualizer.get_image())


@pytest.mark.parametrize('visualizer', ['Visualizer', 'ScalarVisualizer'])
def test_visualization_hooks_write_pictures(tmp_path, visualizer):
    runner = build_runner(
        tmp_path, train_cfg__max_iters=2, visualizer__type=visualizer,
        custom_hooks=[dict(type='NaiveVisualizationHook', interval=100)])
    runner.register_hook(DrawingHook())
    runner.train()
    runner.test()
    written = {path.name for path in tmp_path.glob(
        '*/vis_data/vis_image/*.png')}
    assert {f'test_{index}_0.png' for index in range(10)} < written


def stub_of_wandb():
    """A module that records its calls."""
    module = types.ModuleType('wandb')
    module.calls, module.run = [], module
    module.config = types.SimpleNamespace(
        update=lambda cfg, **kwargs: module.calls.append(('config', cfg)))
    module.log_code = lambda **kwargs: None
    module.init = lambda **kwargs: module
    module.join = lambda: None
    module.Image = lambda array: array
    module.log = lambda values, **kwargs: module.calls.append(
        ('log', values))
    return module


@pytest.mark.parametrize('visualizer', ['Visualizer', 'ScalarVisualizer'])
def test_wandb_gets_config_scalars_and_pictures(tmp_path, monkeypatch,
                                                visualizer):
    wandb = stub_of_wandb()
    monkeypatch.setitem(sys.modules, 'wandb', wandb)
    runner = build_runner(
        tmp_path, train_cfg__max_iters=2, visualizer__type=visualizer,
        visualizer__vis_backends=[dict(type='WandbVisBackend')])
    runner.train()
    config, = (given for kind, given in wandb.calls if kind == 'config')
    assert config == runner.cfg.to_dict()
    logged = [given for kind, given in wandb.calls if kind == 'log']
    assert any('loss' in given for given in logged)
    assert any('toy/mean' in given for given in logged)
    picture, = (given['samples'] for given in logged if 'samples' in given)
    assert picture.shape == (200, 200, 3)


STOCK_HOOKS = [
    dict(type='EmptyCacheHook', before_epoch=True, after_iter=True),
    dict(type='ParamSchedulerHook'),
    dict(type='SyncBuffersHook'),
    dict(type='IterTimerHook'),
    dict(type='DistSamplerSeedHook'),
    dict(type='RuntimeInfoHook'),
    dict(type='ProfilerHook', by_epoch=False, profile_times=2,
         on_trace_ready=None, schedule=dict(wait=1, warmup=1, active=2))]


@pytest.mark.parametrize('hook', STOCK_HOOKS, ids=lambda hook: hook['type'])
@pytest.mark.parametrize('loop', ['stream', 'epochs'])
def test_other_hooks_leave_training_as_it_is(tmp_path, hook, loop):
    options = by_epoch() if loop == 'epochs' else {}
    runner = build_runner(tmp_path, **options, custom_hooks=[hook])
    if hook['type'] == 'ParamSchedulerHook':
        runner._hooks = [h for h in runner.hooks if type(h).__name__ != (
            'ParamSchedulerHook') or h is runner.hooks[-1]]
    runner.train()
    assert runner.iter == (21 if loop == 'epochs' else 10)


def stock_config(folder, **options):
    """The toy config without what only RcgRunner understands."""
    return load_config(CONFIG, {
        'work_dir': str(folder),
        'experiment_name': f'{folder.parent.name} {folder.name}',
        'optim_wrapper.optimizer': dict(type='AdamW', lr=.01, _delete_=True),
        'param_scheduler': None, 'train_cfg.max_iters': 4,
        'train_cfg.val_interval': 2, **options})


@pytest.mark.parametrize('first', [Runner, RcgRunner, FlexibleRunner])
@pytest.mark.parametrize('second', [Runner, RcgRunner, FlexibleRunner])
def test_checkpoints_of_runners_resume_in_each_other(tmp_path, first, second):
    def build(runner_class, name, **options):
        init_default_scope('rcg')
        cfg = stock_config(tmp_path / name, **options)
        return runner_class.from_cfg(cfg)

    whole = build(first, 'whole')
    whole.train()
    assert sorted(scalars(tmp_path / 'whole', 'toy/mean')) == [2, 4]
    other = build(second, 'other', resume=True,
                  load_from=str(tmp_path / 'whole' / 'iter_2.pth'))
    other.train()
    assert sorted(scalars(tmp_path / 'other')) == [3, 4]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value), name


def flexible(folder, changes):
    """Train by MMEngine's FlexibleRunner, in one of two processes."""
    init_default_scope('rcg')
    FlexibleRunner.from_cfg(load_config(CONFIG, {
        'work_dir': str(folder), 'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2, 'launcher': 'pytorch', **changes})
    ).train()


@pytest.mark.slow
def test_ddp_strategy_trains_as_our_runner_does(tmp_path):
    """Averages, pictures and base_lr too; our runner takes its weights."""
    call_in_two(flexible, tmp_path / 'run',
                {'strategy': dict(type='DDPStrategy')})
    assert sorted(scalars(tmp_path / 'run')) == [1, 2]
    assert scalars(tmp_path / 'run', 'lr')[2] == pytest.approx(
        .64 * 8 / 256 * .55)
    assert (tmp_path / 'run' / 'samples' / 'iter_2.png').is_file()
    runner = build_runner(tmp_path / 'next',
                          load_from=str(tmp_path / 'run' / 'iter_2.pth'))
    runner.load_checkpoint(runner._load_from, strict=True)


WHOLE = {
    'custom_hooks': [], 'optim_wrapper.clip_grad': None,
    'optim_wrapper.constructor': 'DefaultOptimWrapperConstructor',
    'strategy': dict(type='FSDPStrategy', state_dict_cfg='full',
                     model_wrapper=dict(use_orig_params=True))}


@pytest.mark.slow
def test_fsdp_strategy_trains_on_two_processes(tmp_path):
    """Its whole checkpoints are those of any other runner."""
    call_in_two(flexible, tmp_path / 'run', WHOLE)
    assert len(scalars(tmp_path / 'run')) == 2
    path = str(tmp_path / 'run' / 'iter_2.pth')
    runner = build_runner(tmp_path / 'next', custom_hooks=[])
    runner.load_checkpoint(path, strict=True)
    runner.save_checkpoint(str(tmp_path), 'ours.pth', save_optimizer=False,
                           save_param_scheduler=False)
    call_in_two(flexible, tmp_path / 'again',
                WHOLE | {'load_from': str(tmp_path / 'ours.pth')})


@pytest.mark.parametrize(('optim_wrapper', 'message'), [
    (dict(clip_grad=dict(max_norm=1.)), 'set optim_wrapper.clip_grad=None'),
    (dict(constructor='TwoGroupConstructor'), 'which FSDP flattens')])
def test_an_optimizer_of_whole_weights_is_refused_by_fsdp(
        optim_wrapper, message):
    strategy = FSDPStrategy.__new__(FSDPStrategy)
    with pytest.raises(ValueError, match=message):
        strategy.build_optim_wrapper(optim_wrapper)


@pytest.mark.parametrize('hook', [TrainableEMAHook(), SampleGridHook(1)])
def test_hooks_of_whole_weights_are_refused_by_fsdp(hook):
    class Sharded(MMFullyShardedDataParallel):
        def __init__(self):
            """Like one, without processes."""

    runner = types.SimpleNamespace(model=Sharded())
    with pytest.raises(ValueError, match=f'delete {type(hook).__name__}, or'):
        hook.before_train(runner)


def test_deepspeed_is_asked_for_when_it_is_absent(tmp_path):
    init_default_scope('rcg')
    cfg = stock_config(tmp_path)
    cfg.strategy = dict(type='DeepSpeedStrategy')
    cfg.launcher = 'none'
    with pytest.raises((ImportError, AssertionError), match='(?i)deepspeed'):
        FlexibleRunner.from_cfg(cfg)


@pytest.mark.parametrize('runner_class', [Runner, FlexibleRunner])
def test_a_stock_runner_takes_the_precision_of_the_config(
        tmp_path, runner_class, monkeypatch):
    chosen = []
    for module in (runtime_info, strategies):
        monkeypatch.setattr(module, 'set_float32', chosen.append)
    init_default_scope('rcg')
    cfg = stock_config(tmp_path, **{'env_cfg.float32': 'highest'})
    runner_class.from_cfg(cfg).train()
    assert set(chosen) == {'highest'}


def test_a_stock_runner_refuses_shares_of_a_run(tmp_path):
    """It would take them for iterations: all decay in the first one."""
    cfg = stock_config(tmp_path)
    cfg.param_scheduler = [dict(type='LinearLR', begin=0, end=.5,
                                by_epoch=False)]
    with pytest.raises(ValueError, match='share.*runner_type=.RcgRunner'):
        Runner.from_cfg(cfg).train()


def test_a_stock_runner_refuses_base_lr(tmp_path):
    cfg = stock_config(tmp_path)
    cfg.optim_wrapper.optimizer = dict(type='AdamW', base_lr=.01)
    with pytest.raises(TypeError, match='base_lr'):
        Runner.from_cfg(cfg).train()


@pytest.mark.parametrize('by_name', [True, False])
def test_a_stock_runner_trains_validates_and_saves(tmp_path, by_name):
    """Given by runner_type, or called in a plain script."""
    cfg = stock_config(tmp_path, runner_type='Runner')
    runner = RUNNERS.build(cfg) if by_name else Runner.from_cfg(cfg)
    assert type(runner) is Runner
    runner.train()
    assert sorted(scalars(tmp_path)) == [1, 2, 3, 4]
    assert sorted(scalars(tmp_path, 'toy/mean')) == [2, 4]
    assert read_checkpoint(tmp_path)['meta']['iter'] == 4


@DATASETS.register_module()
class ToyDataset8(ToyDataset):
    """Images of the size that the toy models take."""

    def __init__(self, size: int = 24) -> None:
        super().__init__(size)
        self.images = self.images.repeat(1, 1, 4, 4)


@pytest.mark.parametrize('runner_class', [Runner, FlexibleRunner, RcgRunner])
@pytest.mark.parametrize('kind', ['RCG', 'RDM'])
def test_models_of_the_method_train_in_any_runner(
        tmp_path, runner_class, kind):
    init_default_scope('rcg')
    cfg = stock_config(tmp_path)
    cfg.model = dict(
        type='RCG', generator=tiny.generator(), tokenizer=tiny.TOKENIZER,
        encoder=tiny.ENCODER, rdm=tiny.RDM,
        data_preprocessor=tiny.PREPROCESSOR)
    if kind == 'RDM':
        cfg.model = dict(tiny.RDM, encoder=tiny.ENCODER,
                         data_preprocessor=tiny.PREPROCESSOR)
    cfg.train_dataloader.dataset = dict(type='ToyDataset8')
    cfg.train_cfg.max_iters = 2
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks = [dict(type='TrainableEMAHook')]
    runner_class.from_cfg(cfg).train()
    assert sorted(scalars(tmp_path)) == [1, 2]
    assert read_checkpoint(tmp_path)['meta']['iter'] == 2
