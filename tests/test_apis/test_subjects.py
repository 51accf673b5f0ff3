"""Images and classes as users name them."""
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from rcg.apis import class_names, find_labels, load_images
from rcg.apis.subjects import image_dataset
from rcg.datasets import Digits
from rcg.engine import load_config

PIPELINE = [dict(type='Resize', size=8), dict(type='RandomCrop', size=8),
            dict(type='RandomFlip')]


def folder_config(root, **changes):
    return Config(dict(default_scope='rcg', train_dataloader=dict(
        dataset=dict(type='ImageFolder', data_root=str(root),
                     pipeline=PIPELINE)), **changes))


def imagenet():
    return Config(dict(train_dataloader=dict(dataset=dict(
        type='ImageNet', data_root='nowhere', pipeline=PIPELINE))))


@pytest.fixture
def digits():
    return load_config('configs/digits/mage.py')


@pytest.fixture
def folder(tmp_path):
    for name, size in (('cat/b.png', (9, 20)), ('cat/a.png', (30, 12)),
                       ('sea bird/c.png', (8, 8))):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.RandomState(0).randint(0, 256, (*size, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path / 'images'


def test_numbers_are_held_out_images(digits):
    images, titles = load_images(digits, ['3', '358'])
    dataset = Digits('test')
    assert torch.equal(images[0], dataset[3]['images'])
    assert titles[1] == f'Digits[358] ({dataset.labels[358]})'
    with pytest.raises(ValueError, match=r'no Digits\[359\]: it has 359'):
        load_images(digits, ['359'])


def test_files_get_the_size_of_the_datasets_images(digits, folder):
    images, titles = load_images(digits, [str(folder / 'cat'), '0'])
    assert images.shape == (3, 3, 16, 16)
    assert titles[:2] == ['a.png', 'b.png']


def test_pipelines_lose_their_chance_only(folder):
    cfg = folder_config(folder)
    assert image_dataset(cfg)['pipeline'] == [
        dict(type='Resize', size=8), dict(type='CenterCrop', size=8)]
    by_name, titles = load_images(cfg, [str(folder / 'cat' / 'b.png')])
    by_number, others = load_images(cfg, ['1'])
    assert torch.equal(by_name, by_number)
    assert (titles, others) == (['b.png'], ['ImageFolder[1] (cat)'])
    # What is held out comes before what is trained on.
    cfg = folder_config(folder, _held_out=dict(type='Digits', split='test'))
    assert image_dataset(cfg)['type'] == 'Digits'


def test_bad_names(digits, tmp_path):
    with pytest.raises(FileNotFoundError, match="'nine'.*no number.*Digits"):
        load_images(digits, ['nine'])
    (tmp_path / 'x.png').write_text('<html>')
    with pytest.raises(ValueError, match=r"x\.png' cannot be read as an im"):
        load_images(digits, [str(tmp_path / 'x.png')])
    with pytest.raises(ValueError, match='names no dataset of images'):
        image_dataset(Config(dict(test_dataloader=dict(
            dataset=dict(type='SeedDataset', num_images=1)))))


def test_names_of_a_dataset(digits, folder):
    assert find_labels(digits, ['8', '3'], 10) == {8: '8', 3: '3'}
    cfg = folder_config(folder)
    assert find_labels(cfg, ['Sea_bird', '0'], 2) == {1: 'sea bird', 0: 'cat'}
    with pytest.raises(ValueError, match="named 'bird'; near: 'sea bird'"):
        find_labels(cfg, ['bird'], 2)
    with pytest.raises(ValueError, match="named 'horse'; classes.* 0 to 1"):
        find_labels(cfg, ['horse'], 2)
    with pytest.raises(ValueError, match='2 names for the 3 classes'):
        find_labels(cfg, ['cat'], 3)
    with pytest.raises(ValueError, match='class-conditional'):
        find_labels(cfg, ['cat'], None)


def test_names_of_imagenet_need_no_images():
    names = class_names(imagenet())
    assert len(names) == 1000
    assert find_labels(imagenet(), [
        'tabby cat', 'TENCH', 'n01443537', '999'], 1000) == {
            281: 'tabby', 0: 'tench', 1: 'goldfish', 999: 'toilet tissue'}
    with pytest.raises(ValueError, match=r"'crane'.*: 134 \(crane, n.*; 517 "):
        find_labels(imagenet(), ['crane'], 1000)
    with pytest.raises(ValueError, match="named 'goldfsh'; near: 'goldfish'"):
        find_labels(imagenet(), ['goldfsh'], 1000)
    with pytest.raises(ValueError, match="near:.*'tabby cat'"):
        find_labels(imagenet(), ['cat'], 1000)


def test_numbers_need_no_dataset(tmp_path):
    cfg = folder_config(tmp_path / 'nowhere')
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


def test_a_flat_folder_has_no_names(folder):
    with pytest.raises(ValueError, match='no names of classes'):
        class_names(folder_config(folder / 'cat'))
