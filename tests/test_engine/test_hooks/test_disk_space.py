"""Room for checkpoints and caches is looked for before it is needed."""
import errno
import os
import types

import pytest
import torch
from torch import nn

from rcg.engine import PlainCheckpointHook, disk_space
from rcg.engine.disk_space import num_bytes, optimizer_bytes
from rcg.engine.hooks import disk_space as hook

from ..running import build_runner
from ..test_runner import load


@pytest.fixture
def free(monkeypatch):
    """Sets the free space, in bytes."""
    def set_to(count):
        monkeypatch.setattr(disk_space.shutil, 'disk_usage',
                            lambda path: types.SimpleNamespace(free=count))
    return set_to


def size_of(path):
    """Bytes of what training goes on from in a checkpoint."""
    content = load(path)
    return num_bytes([content['state_dict'], content['ema_state_dict'],
                      content['optimizer']['state']])


def test_three_for_two_that_are_kept(tmp_path, free, capsys):
    runner = build_runner(tmp_path / 'plenty')
    runner.train()
    assert 'make room' not in capsys.readouterr().out.lower()
    size = size_of(tmp_path / 'plenty' / 'iter_10.pth')

    free(3 * size - 1)
    build_runner(tmp_path / 'scarce', train_cfg__max_iters=6).train()
    out = capsys.readouterr().out
    gb = f'{3 * size / 1e9:.3g} GB for checkpoints of {size / 1e9:.3g} GB'
    assert f'this run will need {gb}' in out
    assert f'there are {(3 * size - 1) / 1e9:.3g} GB free' in out

    free(2 * size - 1)
    with pytest.raises(ValueError, match='not enough for two. Make room'):
        build_runner(tmp_path / 'none', train_cfg__max_iters=6).train()
    assert not list((tmp_path / 'none').glob('*.pth'))


def test_all_that_are_kept_and_the_best(tmp_path, free, capsys):
    free(10**9)
    runner = build_runner(
        tmp_path, default_hooks__checkpoint__max_keep_ckpts=-1,
        default_hooks__checkpoint__save_best='toy/mean')
    runner.train()
    size = size_of(tmp_path / 'iter_10.pth')
    content = load(tmp_path / 'iter_10.pth')
    weights = num_bytes([content['state_dict'], content['ema_state_dict']])
    log, = tmp_path.glob('*/*.log')
    assert (f'needs {(5 * size + 2 * weights) / 1e9:.3g} GB for'
            in log.read_text())


def test_archives_are_counted(tmp_path):
    saver = PlainCheckpointHook(interval=2, archive_interval=4)
    hub = types.SimpleNamespace(
        get_info=lambda name, default: ['iter_8.pth', 'iter_10.pth'])
    runner = types.SimpleNamespace(work_dir=tmp_path, message_hub=hub,
                                   max_iters=40, iter=10)
    # The newest, of which three are there at most, and ten for good.
    assert hook.count_checkpoints(saver, runner) == 3 + 10
    for number in (4, 8, 10):
        (tmp_path / f'iter_{number}.pth').write_bytes(b'12345')
    assert hook._bytes_there(saver, runner) == 15


def test_a_resumed_run_counts_its_files_once(tmp_path, free):
    build_runner(tmp_path, train_cfg__max_iters=6).train()
    size = size_of(tmp_path / 'iter_6.pth')
    there = sum(os.path.getsize(tmp_path / f'iter_{i}.pth') for i in (4, 6))
    assert there > 2 * size
    free(size)
    build_runner(tmp_path, resume=True).train()
    assert (tmp_path / 'iter_10.pth').is_file()


def test_a_cache_is_refused_after_its_first_batch(tmp_path, free):
    free(26 * 4 * 4 - 1)  # bytes of 26 representations
    hook = dict(type='CacheFeaturesHook', names=['representations'],
                cache_dir=str(tmp_path / 'cache'), batch_size=4)
    with pytest.raises(ValueError, match=r'features of 26 images need 4.16e-07'
                                         r' GB, and there are 4.15e-07 GB'):
        build_runner(tmp_path, custom_hooks=[hook]).train()
    assert not (tmp_path / 'cache').exists()


@pytest.mark.parametrize(('name', 'options'), [
    ('AdamW', dict(fused=True)), ('AdamW', {}), ('Adam', dict(amsgrad=True)),
    ('SGD', {}), ('SGD', dict(momentum=.9)), ('RMSprop', {}), ('NAdam', {})])
def test_the_state_of_an_optimizer_before_its_first_step(name, options):
    model = nn.Linear(50, 40)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=.1,
                                           **options)
    guess, before = optimizer_bytes(optimizer), model.weight.detach().clone()
    assert not optimizer.state
    model(torch.ones(1, 50)).sum().backward()
    assert torch.equal(model.weight, before)
    optimizer.step()
    assert optimizer_bytes(optimizer) == guess


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    runner = build_runner(tmp_path)
    save, content = torch.save, {}

    def full(checkpoint, file, *args, **kwargs):
        if runner.iter < 5:
            return save(checkpoint, file, *args, **kwargs)
        content.update({p.name: p.read_bytes()
                        for p in tmp_path.glob('iter_*')})
        file.write(b'part of a checkpoint')
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left'):
        runner.train()
    assert content.keys() == {'iter_2.pth', 'iter_4.pth'}
    left = {p.name: p.read_bytes() for p in tmp_path.iterdir()
            if 'iter_' in p.name or p.suffix == '.part'}
    assert left == content
    assert (tmp_path / 'last_checkpoint').read_bytes() == b'iter_4.pth'
