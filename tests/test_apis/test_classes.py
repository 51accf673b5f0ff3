"""Classes as users name them."""
import json

import pytest
from mmengine.config import Config
from PIL import Image

from rcg.apis.classes import class_names, class_titles, find_labels
from rcg.engine import load_config


def config_of(kind, root):
    return Config(dict(default_scope='rcg', train_dataloader=dict(
        dataset=dict(type=kind, data_root=str(root)))))


@pytest.fixture
def digits():
    return load_config('configs/digits/mage.py')


@pytest.fixture
def imagenet():
    return config_of('ImageNet', 'nowhere')


@pytest.fixture
def folder(tmp_path):
    for name in ('cat', 'sea bird'):
        (tmp_path / 'images' / name).mkdir(parents=True)
        Image.new('RGB', (8, 8)).save(tmp_path / 'images' / name / 'a.png')
    return tmp_path / 'images'


def test_names_of_a_dataset(digits, folder):
    assert find_labels(digits, ['8', '3'], 10) == {8: '8', 3: '3'}
    cfg = config_of('ImageFolder', folder)
    assert find_labels(cfg, ['Sea_bird', '0'], 2) == {1: 'sea bird', 0: 'cat'}
    with pytest.raises(ValueError, match="named 'bird'; near: 'sea bird'"):
        find_labels(cfg, ['bird'], 2)
    with pytest.raises(ValueError, match="named 'horse'; classes.* 0 to 1"):
        find_labels(cfg, ['horse'], 2)
    with pytest.raises(ValueError, match='2 names for the 3 classes'):
        find_labels(cfg, ['cat'], 3)
    with pytest.raises(ValueError, match='class-conditional'):
        find_labels(cfg, ['cat'], None)


def test_names_of_imagenet_need_no_images(imagenet):
    names = class_names(imagenet)
    assert len(names) == 1000
    assert find_labels(imagenet, [
        'tabby cat', 'TENCH', 'n01443537', '999'], 1000) == {
            281: 'tabby', 0: 'tench', 1: 'goldfish', 999: 'toilet tissue'}
    with pytest.raises(ValueError, match=r"'crane'.*: 134 \(crane, n.*; 517 "):
        find_labels(imagenet, ['crane'], 1000)
    with pytest.raises(ValueError, match="named 'goldfsh'; near: 'goldfish'"):
        find_labels(imagenet, ['goldfsh'], 1000)
    with pytest.raises(ValueError, match="near:.*'tabby cat'"):
        find_labels(imagenet, ['cat'], 1000)


def test_titles_are_the_names_as_far_as_they_are_known(digits, imagenet,
                                                       folder, tmp_path):
    assert class_titles(digits, 10)[3] == 'class 3'
    assert class_titles(imagenet, 1000)[281] == 'tabby'
    cfg = config_of('ImageFolder', folder)
    assert class_titles(cfg, 2) == {0: 'cat', 1: 'sea bird'}
    assert class_titles(cfg, 3) == {}
    assert class_titles(config_of('ImageFolder', folder / 'no'), 2) == {}
    names = tmp_path / 'names.txt'
    names.write_text('Katze\nVogel')
    assert class_titles(cfg, 2, str(names)) == {0: 'Katze', 1: 'Vogel'}
    with pytest.raises(ValueError, match='2 names for the 3 classes'):
        class_titles(cfg, 3, str(names))


def test_numbers_need_no_dataset(tmp_path):
    cfg = config_of('ImageFolder', tmp_path / 'nowhere')
    assert find_labels(cfg, ['2', '0'], 3) == {2: 'class 2', 0: 'class 0'}
    with pytest.raises(ValueError, match='numbers 0 to 2'):
        find_labels(cfg, ['3'], 3)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        find_labels(cfg, ['cat'], 3)


@pytest.mark.parametrize('text', [
    'cat, tabby\nsea bird\n\n', json.dumps(['cat, tabby', 'sea bird']),
    json.dumps({'1': ['sea bird'], '0': ['cat', 'tabby']})])
def test_names_in_a_file(text, digits, tmp_path):
    path = tmp_path / 'names'
    path.write_text(text)
    assert class_names(digits, str(path)) == [['cat', 'tabby'], ['sea bird']]
    assert find_labels(digits, ['tabby'], 2, str(path)) == {0: 'cat'}


@pytest.mark.parametrize(('text', 'match'), [
    ('', 'a name a line'), ('3', 'a name a line'), ('{"1": "a"}', 'by "0"')])
def test_files_without_names(text, match, digits, tmp_path):
    path = tmp_path / 'names'
    path.write_text(text)
    with pytest.raises(ValueError, match=match):
        class_names(digits, str(path))


def test_a_file_that_is_no_text_is_named(digits, tmp_path):
    (tmp_path / 'names.bin').write_bytes(b'\xff\xfe\x80')
    with pytest.raises(ValueError, match=r"names\.bin' must hold.*utf-8"):
        class_names(digits, str(tmp_path / 'names.bin'))


def test_a_flat_folder_has_no_names(folder):
    with pytest.raises(ValueError, match='no class names'):
        class_names(config_of('ImageFolder', folder / 'cat'))


@pytest.mark.parametrize('content', [
    b'\xff\xfe\x00', b'[' * 10**5, b'{"0": "a", "0": "b"}', b'[["a", 3]]',
    b'[[]]', b'[3]', b'[null]', b'{"0": {}}', b'[true, true]', b'""', b'[]',
    b'{}', b'\n', b' ' * (5 << 20), b'["a", ' + b'9' * 5000 + b']'])
def test_files_of_names_of_any_content(digits, tmp_path, content):
    (tmp_path / 'names').write_bytes(content)
    with pytest.raises(ValueError, match="names' "):  # the file is named
        class_names(digits, str(tmp_path / 'names'))
    with pytest.raises(ValueError, match='must be a file'):
        class_names(digits, '/dev/zero')
