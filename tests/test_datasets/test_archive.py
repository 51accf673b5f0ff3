import os

import numpy as np
import pytest
import torch

from rcg.datasets.archive import ImageArchive

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_images_are_those_of_the_file(tmp_path, save):
    save(tmp_path / 'images.npz', IMAGES, np.arange(5))
    dataset = ImageArchive(str(tmp_path / 'images.npz'))
    batch = dataset.__getitems__([3, 0, 4]).columns
    assert torch.equal(batch['images'],
                       torch.from_numpy(IMAGES[[3, 0, 4]]).movedim(3, 1))
    assert batch['indices'].tolist() == [3, 0, 4]
    # Mapped: what is not used takes no memory.
    assert isinstance(dataset.images, np.memmap) == (save is np.savez)


def test_fingerprint_is_that_of_the_pixels(tmp_path):
    prints = []
    for name, images in [('a', IMAGES), ('b', IMAGES), ('c', IMAGES ^ 1)]:
        np.savez(tmp_path / f'{name}.npz', images)
        prints.append(ImageArchive(tmp_path / f'{name}.npz').fingerprint())
    assert prints[0] == prints[1] != prints[2]


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


@pytest.mark.parametrize(('arrays', 'message'), [
    ({'x': IMAGES}, 'arr_0'),
    ({'arr_0': IMAGES / 255}, r'must be uint8 .* got float64'),
    ({'arr_0': IMAGES[..., 0]}, r'must be uint8 \(N, H, W, 3\)'),
    ({'arr_0': IMAGES.transpose(0, 3, 1, 2)}, r'got uint8 \(5, 3, 8, 6\)'),
    ({'arr_0': np.array([Bomb()])}, 'Python objects, never read'),
])
def test_other_contents(tmp_path, arrays, message):
    np.savez(tmp_path / 'x.npz', **arrays)
    with pytest.raises(ValueError, match=message):
        ImageArchive(tmp_path / 'x.npz')


def test_truncated_and_foreign_files(tmp_path):
    np.savez(tmp_path / 'x.npz', IMAGES)
    content = (tmp_path / 'x.npz').read_bytes()
    for damaged in (content[:-100], b'', b'\x93NUMPY\x01\x00'):
        (tmp_path / 'x.npz').write_bytes(damaged)
        with pytest.raises(ValueError, match='damaged or truncated'):
            ImageArchive(tmp_path / 'x.npz')
    with pytest.raises(FileNotFoundError):
        ImageArchive(tmp_path / 'y.npz')


def test_a_file_that_is_cut_off_while_in_use(tmp_path):
    """Reading past its end would be a SIGBUS; a replaced one is no matter."""
    path = tmp_path / 'x.npz'
    np.savez(path, IMAGES)
    data = ImageArchive(path)
    content = path.read_bytes()
    (tmp_path / 'y').write_bytes(content[:50])
    os.replace(tmp_path / 'y', path)
    assert np.array_equal(data[4]['images'].permute(1, 2, 0), IMAGES[4])
    path.write_bytes(content)
    data = ImageArchive(path)
    os.truncate(path, 100)
    for use in (lambda: data[4], data.fingerprint):
        with pytest.raises(ValueError, match=f'cut off.* {len(content)} to'):
            use()
    np.savez_compressed(path, IMAGES)
    data = ImageArchive(path)
    os.truncate(path, 100)
    assert np.array_equal(data[4]['images'].permute(1, 2, 0), IMAGES[4])
