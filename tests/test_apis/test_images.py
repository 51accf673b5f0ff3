"""Images as users name them."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from rcg.apis import load_images
from rcg.apis.images import image_dataset
from rcg.datasets import Digits
from rcg.engine import load_config

PIPELINE = [dict(type='Resize', size=8), dict(type='RandomCrop', size=8),
            dict(type='RandomFlip')]


def folder_config(root, **changes):
    return Config(dict(default_scope='rcg', train_dataloader=dict(
        dataset=dict(type='ImageFolder', data_root=str(root),
                     pipeline=PIPELINE)), **changes))


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


def test_files_are_read_with_the_bits_of_the_dataset(folder):
    cfg = folder_config(folder)
    cfg.train_dataloader.dataset.bits = 12
    Image.fromarray(np.full((9, 9), 4095, np.uint16)).save(folder / '0.png')
    by_name, _ = load_images(cfg, [str(folder / '0.png')])
    by_number, _ = load_images(cfg, ['0'])
    assert torch.equal(by_name, by_number)
    assert (by_name == 255).all()


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


DAMAGED = {  # how Pillow's readers fail
    'x.png': b'\x89PNG\r\n\x1a\n' + bytes(40), 'x.gif': b'GIF89a',
    'x.bmp': b'BM' + bytes(60), 'x.tif': b'II*\0' + bytes(20),
    'x.jpg': b'\xff\xd8\xff\xe0' + bytes(30), 'x.webp': b'', 'x.ppm': b'P6 ',
    'x.avif': b'\0\0\0\x1cftypavif' + bytes(99)}


@pytest.mark.parametrize('name', [*DAMAGED, 'x'])
def test_damaged_files_are_named(digits, tmp_path, name):
    (tmp_path / name).write_bytes(DAMAGED.get(name, b'\0'))
    with pytest.raises(ValueError, match=f"{name}' cannot be read as an im"):
        load_images(digits, [str(tmp_path / name)])


def test_a_runtime_error_of_pillow_is_of_the_file(digits, tmp_path,
                                                  monkeypatch):
    """AVIF's reader raises it."""
    def fail(*args, **kwargs):
        raise RuntimeError('Failed to decode image')

    monkeypatch.setattr(Image, 'open', fail)
    (tmp_path / 'x.avif').touch()
    with pytest.raises(ValueError, match='x.avif.*Failed to decode image'):
        load_images(digits, [str(tmp_path / 'x.avif')])


def test_bad_names(digits, tmp_path):
    with pytest.raises(FileNotFoundError, match="'nine'.*no number.*Digits"):
        load_images(digits, ['nine'])
    (tmp_path / 'x.png').write_text('<html>')
    with pytest.raises(ValueError, match=r"x\.png' cannot be read as an im"):
        load_images(digits, [str(tmp_path / 'x.png')])
    with pytest.raises(ValueError, match='names no dataset of images'):
        image_dataset(Config(dict(test_dataloader=dict(
            dataset=dict(type='SeedDataset', num_images=1)))))
