"""The Runner: strict resuming, plain checkpoints, what stays frozen."""
import copy
import os

import pytest
import torch
from mmengine.model import MMFullyShardedDataParallel
from mmengine.runner import Runner
from torch.utils._python_dispatch import TorchDispatchMode

from rcg.checkpoint import CheckpointError, renamed, save_atomically
from rcg.engine import bare_model, load_config
from rcg.engine.wrapping import wrapper_config
from rcg.registry import WEIGHT_INITIALIZERS

from .running import build_runner, scalars
from .toy import ToyModel


class NoFetch(TorchDispatchMode):
    """Fails where a tensor's value is asked for: a GPU would be waited for.

    ``item()``, ``float()``, ``bool()`` and ``tolist()`` all end here.
    """

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = str(function)
        assert '_local_scalar_dense' not in name, 'the host would wait'
        assert 'aten.equal' not in name
        return function(*args, **kwargs or {})


def load(path):
    return torch.load(path, weights_only=True)  # nothing is allowed


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value.cpu(), second[name].cpu()), name


def optimizer_tensors(checkpoint):
    return {f'{i}.{k}': v
            for i, s in checkpoint['optimizer']['state'].items()
            for k, v in s.items()}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """The folder of an uninterrupted run of ten iterations."""
    folder = tmp_path_factory.mktemp('whole')
    build_runner(folder, default_hooks__checkpoint__max_keep_ckpts=-1).train()
    return folder


def copy_from(whole, folder, iteration):
    folder.mkdir()
    name = f'iter_{iteration}.pth'
    (folder / name).write_bytes((whole / name).read_bytes())
    return folder


def test_resumed_is_bit_identical_and_reads_no_past_data(
        whole, tmp_path, monkeypatch):
    folder = copy_from(whole, tmp_path / 'part', 6)
    monkeypatch.setenv('TOY_READS', str(tmp_path / 'reads'))
    build_runner(folder, resume=True).train()
    first, second = (load(f / 'iter_10.pth') for f in (whole, folder))
    assert_same(first['state_dict'], second['state_dict'])
    assert_same(first['ema_state_dict'], second['ema_state_dict'])
    assert_same(optimizer_tensors(first), optimizer_tensors(second))
    assert first['param_schedulers'] == second['param_schedulers']
    reads = (tmp_path / 'reads').read_text().splitlines()
    assert [int(r.split()[0]) for r in reads] == list(range(24, 40))
    losses = scalars(whole)
    assert scalars(folder) == {i: losses[i] for i in (7, 8, 9, 10)}


def test_history_of_the_log_survives(whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 6)
    runner = build_runner(folder, resume=True)
    runner.train()
    assert len(runner.message_hub.get_scalar('train/loss').data[0]) == 10


def test_checkpoint_holds_averages_first(whole):
    checkpoint = load(whole / 'iter_10.pth')
    trained = checkpoint['ema_state_dict']['module.net.0.weight']
    assert int(checkpoint['ema_state_dict']['steps']) == 10
    assert not torch.equal(trained, checkpoint['state_dict']['net.0.weight'])


def test_frozen_parts_stay_and_are_absent(whole, tmp_path):
    checkpoint = load(whole / 'iter_10.pth')
    start = load(whole / 'iter_2.pth')
    names = {*checkpoint['state_dict'], *checkpoint['ema_state_dict']}
    assert not any('part' in name for name in names)
    assert torch.equal(checkpoint['state_dict']['frozen.weight'],
                       start['state_dict']['frozen.weight'])
    assert len(checkpoint['optimizer']['state']) == 4  # of net alone

    runner = build_runner(tmp_path)
    part = runner.model.part.module
    before = {k: v.clone() for k, v in part.state_dict().items()}
    runner.train()
    assert_same(before, part.state_dict())
    assert not part.training


def test_nothing_to_resume_starts_from_the_beginning(tmp_path):
    runner = build_runner(tmp_path, resume=True, train_cfg__max_iters=2)
    runner.train()
    assert sorted(scalars(tmp_path)) == [1, 2]


def test_longer_and_moved_run_goes_on(whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 10)
    runner = build_runner(folder, resume=True, train_cfg__max_iters=12)
    runner.train()
    assert sorted(scalars(folder)) == [11, 12]


def test_changed_config_is_refused_with_the_keys(whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 6)
    runner = build_runner(folder, resume=True, model__dropout=.5,
                          optim_wrapper__optimizer__weight_decay=0.)
    with pytest.raises(CheckpointError) as caught:
        runner.train()
    assert 'model.dropout: was 0.1, is 0.5' in str(caught.value)
    assert 'optim_wrapper.optimizer.weight_decay' in str(caught.value)


def test_changed_batch_and_data_are_refused(whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 6)
    runner = build_runner(folder, resume=True, train_dataloader__batch_size=5)
    with pytest.raises(CheckpointError, match='samples_per_iteration'):
        runner.train()


@pytest.mark.parametrize('sha', ['a', 'b'])
def test_frozen_part_is_compared_by_content(tmp_path, sha):
    part = {'checkpoint': 'old.pth', 'sha256': 'a'}
    build_runner(tmp_path, model__part=part, train_cfg__max_iters=2).train()
    runner = build_runner(
        tmp_path, resume=True,
        model__part={'checkpoint': 'new.pth', 'sha256': sha},
        model__part__checkpoint='new.pth')
    if sha == 'a':
        runner.train()
        assert runner.iter == 10
    else:
        with pytest.raises(CheckpointError, match='part.*old.pth'):
            runner.train()


def test_resume_without_the_average_is_refused(whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 6)
    runner = build_runner(folder, resume=True, custom_hooks=[])
    with pytest.raises(CheckpointError, match='TrainableEMAHook'):
        runner.train()


def test_resume_from_weights_alone_is_refused(whole, tmp_path):
    path = tmp_path / 'weights.pth'
    save_atomically({'state_dict': load(whole / 'iter_2.pth')['state_dict']},
                    path)
    runner = build_runner(tmp_path / 'run', resume=True, load_from=str(path))
    with pytest.raises(CheckpointError, match='load_from, not resume'):
        runner.train()


def test_resume_of_another_architecture_lists_what_does_not_fit(
        whole, tmp_path):
    folder = copy_from(whole, tmp_path / 'part', 6)
    checkpoint = load(folder / 'iter_6.pth')
    checkpoint['state_dict']['net.0.weight'] = torch.ones(9, 4)
    del checkpoint['state_dict']['net.0.bias']
    save_atomically(checkpoint, folder / 'iter_6.pth')
    with pytest.raises(CheckpointError) as caught:
        build_runner(folder, resume=True).train()
    assert caught.value.mis_shaped
    assert caught.value.missing


def test_load_from_takes_what_fits_and_warns(whole, tmp_path, capsys):
    runner = build_runner(tmp_path, load_from=str(whole), model__width=9,
                          train_cfg__max_iters=1)
    runner.load_or_resume()
    assert '0.weight: wanted (9, 4), got (8, 4)' in capsys.readouterr().out
    average = load(whole / 'iter_10.pth')['state_dict']
    assert torch.equal(runner.model.net[3].bias.cpu(), average['net.3.bias'])


def test_load_from_refuses_what_fits_nowhere(tmp_path):
    path = tmp_path / 'other.pth'
    save_atomically({'x': torch.ones(1)}, path)
    runner = build_runner(tmp_path / 'run', load_from=str(path))
    with pytest.raises(CheckpointError, match='unexpected'):
        runner.load_or_resume()


def test_load_from_refuses_what_hardly_fits(tmp_path):
    path = tmp_path / 'other.pth'
    save_atomically({'net.3.bias': torch.ones(4)}, path)
    runner = build_runner(tmp_path / 'run', load_from=str(path))
    with pytest.raises(CheckpointError, match='1 of 7 tensors.*half'):
        runner.load_or_resume()


def test_load_from_tells_how_much_was_loaded(whole, tmp_path, capsys):
    runner = build_runner(tmp_path, load_from=str(whole), model__width=9)
    runner.load_or_resume()
    assert 'loaded 4 of 7 tensors (23.6% of the val' in capsys.readouterr().out


def test_base_lr_is_said_once(tmp_path, capsys):
    runner = build_runner(tmp_path, train_cfg__max_iters=2)
    runner.train()
    assert capsys.readouterr().out.count('0.01 = 0.64 x 4 / 256') == 1
    assert runner.optim_wrapper.optimizer.defaults['lr'] == .01


def test_console_is_quiet_and_the_file_is_not(tmp_path, capsys):
    runner = build_runner(tmp_path, train_cfg__max_iters=2)
    runner.train()
    out = capsys.readouterr().out
    assert 'Config:' not in out
    assert len(out.splitlines()) < 8
    log, = tmp_path.glob('*/*.log')
    assert 'Config:' in log.read_text()
    assert 'torch' in log.read_text()


def test_two_runners_of_one_second_share_nothing(tmp_path):
    first = build_runner(tmp_path / 'a')
    second = build_runner(tmp_path / 'b')
    assert first.message_hub is not second.message_hub
    assert os.path.dirname(first.log_dir) != os.path.dirname(second.log_dir)


def test_misspelt_type_and_argument(tmp_path):
    with pytest.raises(KeyError, match="Did you mean 'ToyModel'"):
        build_runner(tmp_path, model__type='ToyModle')
    with pytest.raises(TypeError, match="no argument 'widht'.*'width'"):
        build_runner(tmp_path, model__widht=3)
    with pytest.raises(TypeError, match="'max_iter'.*'max_iters'"):
        build_runner(tmp_path, train_cfg__max_iter=3).train()


def test_dumped_config_loads_and_is_the_same(tmp_path):
    runner = build_runner(tmp_path, model__width=5)
    again = load_config(str(tmp_path / 'toy_config.py'))
    assert again.model.width == 5
    assert again.to_dict() == runner.cfg.to_dict()


@pytest.mark.parametrize('scheme', ['http', 's3', 'torchvision'])
def test_nothing_is_downloaded_and_unpickled(tmp_path, scheme):
    initializer = WEIGHT_INITIALIZERS.build(
        dict(type='Pretrained', checkpoint=f'{scheme}://host/a.pth'))
    with pytest.raises(FileNotFoundError, match='download'):
        initializer(torch.nn.Linear(1, 1))
    runner = build_runner(tmp_path, load_from=f'{scheme}://host/a.pth')
    with pytest.raises(FileNotFoundError, match='download'):
        runner.load_or_resume()


def test_no_value_is_fetched_between_log_lines(tmp_path):
    """Losses, gradient norm, averages and optimizer stay on the device."""
    runner = build_runner(
        tmp_path, default_hooks__logger__interval=4,
        default_hooks__checkpoint__interval=100, train_cfg__max_iters=8,
        custom_hooks=[{'type': 'TrainableEMAHook'}])
    run_iter, watched = runner.train_loop.run_iter, []

    def watch(batch):
        if runner.iter in (1, 2, 4, 5, 6):  # lines come after 3 and 7
            with NoFetch():
                run_iter(batch)
            watched.append(runner.iter)
        else:
            run_iter(batch)

    runner.train_loop.run_iter = watch
    runner.train()
    assert watched == [2, 3, 5, 6, 7]
    with pytest.raises(AssertionError, match='wait'), NoFetch():
        float(torch.ones(1))


def test_a_converted_file_loads_strictly(tmp_path):
    """What it keeps for the way back is no part of the model."""
    runner = build_runner(tmp_path)
    state = {name: value + 1 if value.is_floating_point() else value
             for name, value in bare_model(runner).state_dict().items()}
    path = str(tmp_path / 'a.safetensors')
    save_atomically(state | {'published.x': torch.ones(1)}, path)
    runner.load_checkpoint(path, strict=True)
    assert_same(bare_model(runner).state_dict(), state)


def test_wrapped_for_the_gpu_that_a_process_sees(tmp_path, monkeypatch):
    """Slurm may show a task its own GPU alone, whatever its LOCAL_RANK."""
    runner = build_runner(tmp_path)
    runner._distributed = True
    monkeypatch.setenv('LOCAL_RANK', '3')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(Runner, 'wrap_model', lambda self, cfg, model: cfg)
    bare = torch.nn.Linear(1, 1)
    assert runner.wrap_model(None, bare)['device_ids'] == [0]


def test_only_ddp_gets_arguments_of_ddp(tmp_path, monkeypatch):
    """FSDP takes none of them, and needs MMEngine's FlexibleRunner."""
    runner = build_runner(tmp_path)
    runner._distributed = True
    monkeypatch.setattr(Runner, 'wrap_model', lambda self, cfg, model: cfg)
    bare = torch.nn.Linear(1, 1)
    for kind in ('MMFullyShardedDataParallel', MMFullyShardedDataParallel):
        cfg = dict(type=kind, use_orig_params=True)
        assert wrapper_config(cfg) == cfg
        with pytest.raises(ValueError, match="'FlexibleRunner'"):
            runner.wrap_model(cfg, bare)
    for cfg in (None, dict(static_graph=True), dict(
            type='MMSeparateDistributedDataParallel')):
        found = runner.wrap_model(cfg, bare)
        assert 'find_unused_parameters' in found
        assert found['gradient_as_bucket_view'] is True
    cfg = dict(gradient_as_bucket_view=False)
    assert runner.wrap_model(cfg, bare)['gradient_as_bucket_view'] is False


def test_seed_of_the_run_reaches_the_sampler(tmp_path):
    """Unless the sampler has a seed of its own."""
    for own, wanted in (({}, 7), ({'seed': 3}, 3)):
        runner = build_runner(
            tmp_path, randomness__seed=7, train_dataloader__sampler=dict(
                type='StreamSampler', _delete_=True, **own))
        assert runner.train_dataloader.sampler.seed == wanted


def test_what_is_declared_is_compiled_and_no_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyModel, 'compiled_children', ('net', ),
                        raising=False)
    runner = build_runner(tmp_path, compile=dict(backend='eager'))
    runner._maybe_compile('train_step')
    network, x = runner.model.net, torch.ones(1, 4)
    assert network._compiled_call_impl is not None
    assert runner.model.frozen._compiled_call_impl is None
    assert torch.equal(network.eval()(x), network.forward(x))
    average = copy.deepcopy(network)  # as the hook of the average makes one
    assert average._compiled_call_impl is None
    assert network.state_dict().keys() == average.state_dict().keys()


def test_validation_runs_compiled_with_the_average(tmp_path, monkeypatch):
    """The averaged weights are swapped into the compiled network."""
    monkeypatch.setattr(ToyModel, 'compiled_children', ('net', ),
                        raising=False)
    modes = []

    def backend(graph, inputs):
        def run(*args):
            modes.append(compiled.model.training)
            return graph(*args)
        return run

    plain, compiled = (build_runner(tmp_path / name, model__dropout=0.)
                       for name in ('plain', 'compiled'))
    compiled.cfg.compile = dict(backend=backend)
    for runner in (plain, compiled):
        runner.train()
    assert set(modes) == {True, False}
    assert scalars(tmp_path / 'compiled', 'toy/mean') == scalars(
        tmp_path / 'plain', 'toy/mean')


def test_compile_refuses_a_model_that_declares_nothing(tmp_path):
    runner = build_runner(tmp_path, compile=True)
    with pytest.raises(ValueError, match='no module of ToyModel names what'):
        runner.train()


def test_a_run_goes_on_from_weights_with_earlier_names(tmp_path, monkeypatch):
    """A checkpoint of version 0.1.0, with averages and optimizer."""
    options = dict(train_cfg__max_iters=6, default_hooks__checkpoint=dict(
        type='PlainCheckpointHook', interval=3))
    whole = build_runner(tmp_path / 'whole', **options)
    whole.train()
    path = str(tmp_path / 'whole/iter_3.pth')
    content = torch.load(path, weights_only=True)
    for key in ('state_dict', 'ema_state_dict'):
        content[key] = {name.replace('net.', 'decoder.'): value
                        for name, value in content[key].items()}
        assert any('decoder.' in name for name in content[key])
    torch.save(content, path)
    monkeypatch.setitem(renamed._RENAMED, 'decoder', 'net')
    resumed = build_runner(tmp_path / 'resumed', load_from=path, resume=True,
                           **options)
    resumed.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
