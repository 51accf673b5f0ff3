"""The first look at a folder of images."""
import os

import numpy as np
import pytest
import torch
from PIL import Image

from rcg.apis.fitting.look import colors_matter, look, mirrored_is_as_good
from rcg.datasets import Digits
from rcg.datasets.held_out import content_hashes
from rcg.datasets.remembered import cache_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def noise(count, seed=0):
    rng = np.random.default_rng(seed)
    return [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
            for _ in range(count)]


def test_an_awkward_folder(tmp_path):
    root = tmp_path / "it's a folder"
    root.mkdir()
    for i, image in enumerate(noise(500)):
        image.save(root / f'{i:03d}.png')
    images = noise(9, seed=1)
    images[0].convert('L').save(root / 'gray.png')
    images[1].putalpha(100)
    images[1].save(root / 'alpha.png')
    images[2].convert('CMYK').save(root / 'cmyk.jpg')
    images[3].convert('P').save(root / 'palette.gif')
    images[4].save(root / 'moving.gif', save_all=True,
                   append_images=images[5:6])
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(root / 'deep.png')
    Image.new('RGB', (1, 1)).save(root / 'one.png')
    Image.new('RGB', (600, 1)).save(root / 'line.png')
    images[6].save(root / 'odd\n"name".png')
    (root / 'copy.png').write_bytes((root / '000.png').read_bytes())
    (root / 'empty.png').touch()
    (root / 'cut.png').write_bytes((root / '001.png').read_bytes()[:80])
    os.symlink('nowhere', root / 'broken.png')
    os.symlink('loop.png', root / 'loop.png')
    os.mkfifo(root / 'pipe.png')
    (root / 'photo.heic').touch()
    (root / 'notes').touch()
    (root / '._0.png').touch()
    seen = look(str(root), 32)
    assert seen.count == 510
    assert set(seen.bad) == {'empty.png', 'cut.png', 'broken.png', 'loop.png',
                             'pipe.png'}
    assert seen.bad['broken.png'] == 'it is gone, or a link to nothing'
    assert seen.bad['loop.png'] == 'it is a link that leads to itself'
    text = '\n'.join(seen.sentences)
    for words in ('510 images, shorter side 1 to 20', '5 cannot be read',
                  '1 .heic', '1 hidden', '1 without ending',
                  '510 are smaller than the model', '1 are transparent',
                  '1 are animated', '1 are of 16 bits', '1 are exact copies',
                  '1 are at least 4 times', '1 are more than 100 times',
                  'No labels'):
        assert words in text, words
    assert seen.classes is None


def test_files_are_read_once_for_all(tmp_path, monkeypatch):
    """Also by the stages that follow, and when fit() is started again."""
    root = tmp_path / 'images'
    root.mkdir()
    for i, image in enumerate(noise(8)):
        image.save(root / f'{i}.png')
    (root / 'cut.png').write_bytes((root / '0.png').read_bytes()[:80])
    read = []

    def open_counted(path, *args, real=open, **options):
        if str(path).endswith('.png'):
            read.append(os.path.basename(path))
        return real(path, *args, **options)

    monkeypatch.setattr('builtins.open', open_counted)
    first = look(str(root), 32)
    paths = sorted(os.listdir(root))
    assert sorted(read) == paths
    codes = content_hashes(str(root), paths)
    assert sorted(read) == paths
    read.clear()
    assert look(str(root), 32) == first
    assert read == ['cut.png']  # it may have become good
    # What changed is read again; so is all of it without the memory.
    noise(1, seed=5)[0].save(root / '3.png')
    read.clear()
    seen = look(str(root), 32)
    assert read == ['3.png', 'cut.png']
    store = cache_file('surveys', str(root))
    store.write_bytes(b'x' + store.read_bytes()[::-1])
    read.clear()
    assert look(str(root), 32).sentences == seen.sentences
    assert sorted(read) == paths
    cache_file('hashes', str(root)).unlink()
    assert [c == d for c, d in zip(codes, content_hashes(
        str(root), paths), strict=True)] == [p != '3.png' for p in paths]


def test_gray_images_that_use_few_of_their_bits(tmp_path):
    """What decides is how they will be read."""
    rng = np.random.default_rng(0)
    for i in range(40):
        values = rng.integers(0, 60, (9, 9), np.uint16)
        values[:, :4] += 140  # all alike when the upper 8 bits are kept
        Image.fromarray(values).save(tmp_path / f'{i}.png')
    seen = look(str(tmp_path))
    assert seen.bits == 8
    assert '40 gray images are of 16 bits and use 8 of' in '\n'.join(
        seen.sentences)
    assert not seen.flip


def test_too_many_bad_files_are_refused_at_once(tmp_path):
    for i, image in enumerate(noise(20)):
        image.save(tmp_path / f'{i}.png')
    for i in range(3):
        (tmp_path / f'{i}.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=(
            '3 of the 20 images .* 2 may be bad')):
        look(str(tmp_path))


def test_class_folders(tmp_path):
    for i, image in enumerate(noise(8)):
        path = tmp_path / 'images' / 'ab'[i % 2] / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    seen = look(str(tmp_path / 'images'))
    assert seen.classes == 2
    assert '2 class folders of 4 to 4 images.' in seen.sentences
    (tmp_path / 'images' / 'c.png').write_bytes(path.read_bytes())
    assert look(str(tmp_path / 'images')).classes is None


@pytest.mark.parametrize(('names', 'classes'), [
    (('train', 'val'), None), (('Test', 'train'), None),
    (('train', 'car'), 2), (('test', 'tests'), 2)])
def test_parts_of_a_data_set_are_no_classes(tmp_path, names, classes):
    for i, image in enumerate(noise(8)):
        path = tmp_path / names[i % 2] / 'ab'[i // 4] / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    seen = look(str(tmp_path))
    assert seen.classes == classes
    said = f'No labels: {", ".join(sorted(names))} look like parts'
    assert (said in ' '.join(seen.sentences)) == (classes is None)
    assert look(str(tmp_path / names[0])).classes == 2


@pytest.mark.parametrize('count', [1, 3])
def test_too_few_images(tmp_path, count):
    for i, image in enumerate(noise(count)):
        image.save(tmp_path / f'{i}.png')
    with pytest.raises(ValueError, match=f'too few.*: {count}. 4 are needed'):
        look(str(tmp_path))


def test_probes():
    digits = Digits('train')
    images = torch.stack([digits[i]['images'] for i in range(400)])
    assert not colors_matter(images)[0]
    assert not mirrored_is_as_good(images)[0]
    rng = torch.Generator().manual_seed(0)
    scenes = torch.randint(256, (400, 3, 16, 16), generator=rng,
                           dtype=torch.uint8)
    assert mirrored_is_as_good(scenes)[0]
    assert colors_matter(scenes)[0]
    red = scenes.clone()
    red[:, 1:] //= 3
    assert not colors_matter(red.clamp(max=20) + torch.tensor(
        [180, 0, 0], dtype=torch.uint8).view(3, 1, 1))[0]
