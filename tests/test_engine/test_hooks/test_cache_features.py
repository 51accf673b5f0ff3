"""Features are computed once, under a name that says of what."""
import os
import time

import numpy as np
import pytest
import torch
from mmengine.dist import get_rank
from PIL import Image

from rcg.checkpoint import read_checkpoint
from rcg.datasets import ImageFolder
from rcg.engine import CacheFeaturesHook, cache_key
from tests.test_evaluation.toy import run_processes

from ..running import build_runner, scalars
from ..toy import ToyModel


def options(cache, **hook):
    return {'custom_hooks': [{
        'type': 'CacheFeaturesHook', 'cache_dir': str(cache),
        'names': ['representations'], 'batch_size': 10, **hook}]}


def runner_and_hook(folder, cache, **changes):
    runner = build_runner(folder, **{**options(cache), **changes})
    return runner, next(h for h in runner.hooks
                        if isinstance(h, CacheFeaturesHook))


def files(cache):
    return sorted(cache.glob('*/*.safetensors'))


def test_training_on_features_equals_training_on_images(tmp_path):
    runner, _ = runner_and_hook(tmp_path / 'a', tmp_path / 'cache',
                                **options(tmp_path / 'cache', batch_size=4))
    runner.train()
    assert 'images' not in runner.train_dataloader.dataset[0]
    assert len(list((tmp_path / 'cache').iterdir())) == 1
    build_runner(tmp_path / 'b', custom_hooks=[]).train()
    # To the bit: products are rounded alike in batches of one size.
    assert scalars(tmp_path / 'a') == scalars(tmp_path / 'b')


def test_features_are_those_of_each_image_in_order(tmp_path):
    runner, hook = runner_and_hook(tmp_path, tmp_path / 'cache')
    dataset = runner.train_dataloader.dataset
    images = runner.model.data_preprocessor(
        {'images': dataset.images})['images']
    wanted = runner.model.encode(images)['representations']
    hook.before_train(runner)
    torch.testing.assert_close(dataset.features['representations'][:],
                               wanted.cpu())


def test_progress_is_said_after_the_first_batch(tmp_path, capsys):
    runner, hook = runner_and_hook(tmp_path, tmp_path / 'cache')
    hook.before_train(runner)
    lines = [line for line in capsys.readouterr().out.splitlines()
             if '/26 images' in line]
    assert len(lines) == 1
    assert lines[0].startswith('features: 10/26 images  left 0:00:0')


def test_second_run_loads_and_reads_no_image(tmp_path, monkeypatch):
    runner, hook = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    hook.before_train(runner)
    again, hook = runner_and_hook(tmp_path / 'b', tmp_path / 'cache')
    monkeypatch.setattr(again.model, 'encode', None)  # to call it would fail
    hook.before_train(again)
    first, second = (r.train_dataloader.dataset.features['representations'][:]
                     for r in (runner, again))
    assert torch.equal(first, second)


def test_truncated_file_is_said_and_made_again(tmp_path, capsys):
    runner, hook = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    hook.before_train(runner)
    path, = files(tmp_path / 'cache')
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    again, hook = runner_and_hook(tmp_path / 'b', tmp_path / 'cache')
    hook.before_train(again)
    assert len(path.read_bytes()) == len(whole)
    assert f"'{path}' is" in capsys.readouterr().out


def test_a_flipped_bit_is_said_and_mended(tmp_path, capsys):
    runner, hook = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    hook.before_train(runner)
    path, = files(tmp_path / 'cache')
    rows = runner.train_dataloader.dataset.features['representations'][:]
    content = bytearray(intact := path.read_bytes())
    content[content.index(rows.numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
    again, hook = runner_and_hook(tmp_path / 'b', tmp_path / 'cache')
    hook.before_train(again)
    assert path.read_bytes() == intact
    said = capsys.readouterr().out
    assert f"'{path}' is damaged" in said and "'representations'" in said


@pytest.mark.parametrize('changes', [
    {'model__part': {'checkpoint': 'a', 'sha256': 'other'}},
    {'train_dataloader__dataset__size': 25},
])
def test_key_changes_with_what_the_features_depend_on(tmp_path, changes):
    base = {'model__part': {'checkpoint': 'a', 'sha256': 'one'}}
    keys = []
    for run, extra in (('a', {}), ('b', {}), ('c', changes)):
        runner, hook = runner_and_hook(tmp_path / run, tmp_path,
                                       **{**base, **extra})
        keys.append(hook.about(runner))
    assert keys[0] == keys[1] != keys[2]


def test_key_changes_with_the_precision_of_float32(tmp_path, monkeypatch):
    # Else exact runs on a GPU would train on features of TF32.
    runner, hook = runner_and_hook(tmp_path, tmp_path)
    keys = []
    for precision in ('highest', 'high'):
        monkeypatch.setattr(cache_key, 'float32_precision',
                            lambda found=precision: found)
        keys.append(hook.about(runner))
    assert keys[0] != keys[1]


def test_parts_that_encode_does_not_use_do_not_count(tmp_path):
    keys = []
    for run in 'ab':
        runner, hook = runner_and_hook(
            tmp_path / run, tmp_path,
            model__part={'checkpoint': 'a', 'sha256': run})
        runner.model.encoding_parts = ('tokenizer', )
        keys.append(hook.about(runner))
    assert keys[0] == keys[1]


def test_random_augmentation_is_refused(tmp_path):
    runner, hook = runner_and_hook(
        tmp_path, tmp_path / 'cache',
        train_dataloader__dataset__is_random=True)
    with pytest.raises(ValueError, match='random'):
        hook.before_train(runner)


def test_unknown_feature_is_refused(tmp_path):
    runner, hook = runner_and_hook(tmp_path, tmp_path / 'cache',
                                   **options(tmp_path, names=['codes']))
    with pytest.raises(ValueError, match="no 'codes' but representations"):
        hook.before_train(runner)


@pytest.mark.parametrize('num_workers', [0, 1])
def test_a_substitute_brings_its_label_with_its_features(tmp_path,
                                                         num_workers):
    """The last image of class a is bad; the first of class b replaces it."""
    for index in range(120):
        name = tmp_path / 'images' / 'ab'[index // 60] / f'{index:03}.png'
        name.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((2, 2, 3), index, np.uint8)
        Image.fromarray(pixels).save(name)
    (tmp_path / 'images' / 'a' / '059.png').write_bytes(b'broken')
    data = dict(_delete_=True, type='ImageFolder',
                data_root=str(tmp_path / 'images'))
    live = ImageFolder(str(tmp_path / 'images'))
    labels = [live[i]['labels'].item() for i in range(120)]
    assert labels == [0] * 59 + [1] * 61
    for _ in range(2):  # with features made, and with those that were stored
        runner, hook = runner_and_hook(
            tmp_path / 'run', tmp_path / 'cache',
            train_dataloader__dataset=data,
            **options(tmp_path / 'cache', num_workers=num_workers))
        dataset = runner.train_dataloader.dataset
        hook.before_train(runner)
        assert [dataset[i]['labels'].item() for i in range(120)] == labels
        assert dataset[0].keys() == {'keys', 'indices', 'labels',
                                     'representations'}
    stored, = files(tmp_path / 'cache')
    rows = read_checkpoint(stored)['representations']
    assert torch.equal(rows[59], rows[60])
    assert torch.equal(read_checkpoint(stored)['labels'],
                       torch.tensor(labels).to(torch.uint16))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """26 images of 3 x 3 pixels."""
    folder = tmp_path_factory.mktemp('images')
    pixels = np.random.default_rng(0).integers(0, 256, (26, 3, 3, 3), np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f'{index:02}.png')
    return str(folder)


CROPS = [dict(type='RandomCrop', size=2)]
FLIPS = [dict(type='CenterCrop', size=2), dict(type='RandomFlip')]


def on_views(work_dir, cache, images, pipeline, changes=None, **hook):
    """A run on stored views; small files, in batches as in training."""
    hook = {'batch_size': 4, 'shard_size': 8, **hook}
    data = dict(_delete_=True, type='ImageFolder', data_root=images,
                pipeline=pipeline)
    return runner_and_hook(work_dir, cache, train_dataloader__dataset=data,
                           **options(cache, **hook), **(changes or {}))


def weights(runner):
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


def test_training_on_both_flips_has_the_bits_of_live_training(tmp_path,
                                                              images):
    runner, _ = on_views(tmp_path / 'a', tmp_path / 'cache', images, FLIPS)
    runner.train()
    assert len(runner.train_dataloader.dataset.features[
        'representations']) == 2 * 26
    live, _ = on_views(tmp_path / 'b', tmp_path / 'cache', images, FLIPS)
    live.hooks.remove(next(h for h in live.hooks
                           if isinstance(h, CacheFeaturesHook)))
    live.train()
    assert 'images' in live.train_dataloader.dataset[0]
    assert torch.equal(weights(runner), weights(live))


def test_training_on_views_resumes_with_the_same_bits(tmp_path, images):
    def run(name, length, **changes):
        runner, _ = on_views(
            tmp_path / name, tmp_path / 'cache', images, CROPS,
            dict(train_cfg__max_iters=length, val_cfg=None, val_evaluator=None,
                 val_dataloader=None, **changes), views=2)
        runner.train()
        return weights(runner)
    whole = run('whole', 16)  # two and a half passes
    assert not torch.equal(run('stopped', 8), whole)
    assert torch.equal(run('stopped', 16, resume=True), whole)


def test_more_views_are_added_to_those_that_are_there(tmp_path, images,
                                                      monkeypatch):
    cache = tmp_path / 'cache'
    runner, hook = on_views(tmp_path / 'a', cache, images, CROPS, views=1)
    hook.prepare(runner)
    first = {path: path.read_bytes() for path in files(cache)}
    assert len(first) == 4
    runner, hook = on_views(tmp_path / 'b', cache, images, CROPS, views=3)
    encode, counts = runner.model.encode, []
    monkeypatch.setattr(runner.model, 'encode', lambda images: (
        counts.append(len(images)), encode(images))[1])
    hook.prepare(runner)
    assert counts == [2] + [4] * 14  # the trial, and two views
    found = {path: path.read_bytes() for path in files(cache)}
    assert len(found) == 12 and first.items() <= found.items()
    runner, hook = on_views(tmp_path / 'c', tmp_path / 'anew', images, CROPS,
                            views=3, batch_size=3)
    hook.prepare(runner)
    for path, content in found.items():
        other = tmp_path / 'anew' / path.parent.name / path.name
        torch.testing.assert_close(read_checkpoint(other),
                                   read_checkpoint(path))


def test_work_that_was_killed_goes_on_after_its_last_file(tmp_path, images,
                                                          monkeypatch):
    cache = tmp_path / 'cache'
    runner, hook = on_views(tmp_path / 'a', cache, images, CROPS, views=2)
    encode, counts = runner.model.encode, []

    def dying(images):
        counts.append(len(images))
        if len(counts) == 1 + 2 + 2:
            raise KeyboardInterrupt
        return encode(images)

    monkeypatch.setattr(runner.model, 'encode', dying)
    with pytest.raises(KeyboardInterrupt):
        hook.prepare(runner)
    kept = {path: path.stat().st_mtime_ns for path in files(cache)}
    assert len(kept) == 1
    hook.prepare(runner)
    assert len(counts) == 5 + 1 + 12
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(files(cache)) == 8


def test_random_views_need_a_number(tmp_path, images):
    runner, hook = on_views(tmp_path, tmp_path / 'cache', images, CROPS)
    with pytest.raises(ValueError, match='set views=8'):
        hook.prepare(runner)


def test_stale_features_are_refused_by_name(tmp_path, images):
    cache = tmp_path / 'cache'
    runner, hook = on_views(tmp_path / 'a', cache, images, CROPS, views=1)
    hook.prepare(runner)
    folder, = cache.iterdir()

    def refused(pipeline=CROPS, changes=None, **hook):
        runner, hook = on_views(tmp_path / 'b', cache, images, pipeline,
                                changes, **{'views': 1, 'compute': False,
                                            **hook})
        with pytest.raises(ValueError, match='tools/cache_features.py') as e:
            hook.prepare(runner)
        assert len(list(cache.iterdir())) == 1
        return str(e.value)

    same, hook = on_views(tmp_path / 'c', cache, images, CROPS, views=1,
                          compute=False)
    same.model.part.module.load_state_dict(
        runner.model.part.module.state_dict())
    hook.prepare(same)
    stale = f"those in '{folder}' have other"
    assert f'{stale} seed' in refused(seed=1)
    assert f'{stale} numbers' in refused(dtype='float16')
    assert 'transforms' in refused(CROPS + FLIPS[1:])
    assert f'{stale} weights of part' in refused(changes=dict(
        model__part=dict(checkpoint='a', sha256='b')))
    assert refused(views=2).startswith('4 of 8 files of features')
    files(cache)[2].unlink()
    assert refused().startswith('1 of 4 files of features')


def _prepare(folder, images):
    os.environ['LOCAL_RANK'] = str(get_rank())
    if get_rank():  # the files are looked at once, and others wait for it
        ImageFolder.identity = None
        encode = ToyModel.encode
        ToyModel.encode = lambda self, images: (
            time.sleep(.05), encode(self, images))[1]
    runner, hook = on_views(f'{folder}/run', f'{folder}/cache', images, CROPS,
                            dict(launcher='pytorch'), views=2)
    hook.prepare(runner)
    return hook.folder.path


def test_processes_share_the_work(tmp_path, images):
    for world in (1, 2):
        (tmp_path / f'{world}').mkdir()
        found = run_processes(world, tmp_path, _prepare,
                              str(tmp_path / f'{world}'), images)
        assert len(set(found)) == 1 and os.path.isdir(found[0]), found[0]
    first, second = ({path.name: path.read_bytes() for path in files(
        tmp_path / f'{world}' / 'cache')} for world in (1, 2))
    assert first == second and len(first) == 8
