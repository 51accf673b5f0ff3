"""Features are computed once, under a name that says of what."""
import numpy as np
import pytest
import torch
from PIL import Image

from rcg.datasets import ImageFolder
from rcg.engine import CacheFeaturesHook
from rcg.engine.hooks import cache_features

from ..running import build_runner, scalars


def options(cache, **hook):
    return {'custom_hooks': [{
        'type': 'CacheFeaturesHook', 'cache_dir': str(cache),
        'names': ['representations'], 'batch_size': 10, **hook}]}


def runner_and_hook(folder, cache, **changes):
    runner = build_runner(folder, **{**options(cache), **changes})
    return runner, next(h for h in runner.hooks
                        if isinstance(h, CacheFeaturesHook))


def test_training_on_features_equals_training_on_images(tmp_path):
    runner, _ = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    runner.train()
    assert 'images' not in runner.train_dataloader.dataset[0]
    assert len(list((tmp_path / 'cache').iterdir())) == 1
    build_runner(tmp_path / 'b', custom_hooks=[]).train()
    cached, plain = scalars(tmp_path / 'a'), scalars(tmp_path / 'b')
    for step, value in plain.items():
        assert cached[step] == pytest.approx(value, rel=1e-5)


def test_features_are_those_of_each_image_in_order(tmp_path):
    runner, hook = runner_and_hook(tmp_path, tmp_path / 'cache')
    dataset = runner.train_dataloader.dataset
    images = runner.model.data_preprocessor(
        {'images': dataset.images})['images']
    wanted = runner.model.encode(images)['representations']
    hook.before_train(runner)
    torch.testing.assert_close(dataset.features['representations'],
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
    first, second = (r.train_dataloader.dataset.features['representations']
                     for r in (runner, again))
    assert torch.equal(first, second)


def test_truncated_file_is_said_and_made_again(tmp_path, capsys):
    runner, hook = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    hook.before_train(runner)
    path, = (tmp_path / 'cache').iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    again, hook = runner_and_hook(tmp_path / 'b', tmp_path / 'cache')
    hook.before_train(again)
    assert len(path.read_bytes()) == len(whole)
    assert f"'{path}' is" in capsys.readouterr().out


def test_a_flipped_bit_is_said_and_mended(tmp_path, capsys):
    runner, hook = runner_and_hook(tmp_path / 'a', tmp_path / 'cache')
    hook.before_train(runner)
    path, = (tmp_path / 'cache').iterdir()
    rows = runner.train_dataloader.dataset.features['representations']
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
        keys.append(hook.key(runner))
    assert keys[0] == keys[1] != keys[2]


def test_key_changes_with_the_precision_of_float32(tmp_path, monkeypatch):
    # Else exact runs on a GPU would train on features of TF32.
    runner, hook = runner_and_hook(tmp_path, tmp_path)
    keys = []
    for precision in ('highest', 'high'):
        monkeypatch.setattr(cache_features, 'float32_precision',
                            lambda found=precision: found)
        keys.append(hook.key(runner))
    assert keys[0] != keys[1]


def test_parts_that_encode_does_not_use_do_not_count(tmp_path):
    keys = []
    for run in 'ab':
        runner, hook = runner_and_hook(
            tmp_path / run, tmp_path,
            model__part={'checkpoint': 'a', 'sha256': run})
        runner.model.encoding_parts = ('tokenizer', )
        keys.append(hook.key(runner))
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
    stored, = (tmp_path / 'cache').iterdir()
    rows = torch.load(stored)['representations']
    assert torch.equal(rows[59], rows[60])
