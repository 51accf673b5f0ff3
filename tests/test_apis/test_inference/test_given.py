"""Images of any kind."""
import numpy as np
import pytest
import torch
from PIL import Image

from rcg.apis.inference.given import ImageReader
from rcg.datasets import Digits


@pytest.fixture(scope='module')
def digit():
    return Digits('test')[0]['images']


def test_every_kind_means_the_same(rcg, digit, tmp_path):
    pixels = digit.permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    wanted = rcg.encode(digit)
    assert wanted.shape == (1, 64)
    for given in (digit[None], pixels, pixels[None], Image.fromarray(pixels),
                  tmp_path / 'a.png', str(tmp_path / 'a.png'), [pixels]):
        assert torch.equal(rcg.encode(given), wanted)
    mixed = rcg.encode([digit, tmp_path / 'a.png', pixels])
    torch.testing.assert_close(mixed, wanted.expand(3, -1))


def test_other_sizes_are_resized_and_cropped(rcg, digit):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 20:40] = 200  # the center
    image, = rcg._read(Image.fromarray(pixels))
    assert image.shape == (3, 16, 16)
    assert image[:, :, 8].min() > 190
    for given in (pixels, torch.from_numpy(pixels).permute(2, 0, 1)):
        assert torch.equal(rcg._read(given)[0], image)
    # As an image with transparency or another mode is in training.
    gray = Image.fromarray(digit.permute(1, 2, 0).numpy()).convert('LA')
    assert torch.equal(rcg._read(gray)[0], rcg._read(gray.convert('RGB'))[0])


def test_the_pipeline_of_the_config_comes_first():
    read = ImageReader([dict(type='Resize', size=8),
                        dict(type='CenterCrop', size=4)], 16, lambda: 4)
    image = np.zeros((16, 16, 3), np.uint8)
    image[6:10, 6:10] = 255
    assert read(image).float().mean() > 60  # not of the whole picture
    read.size = lambda: 5
    with pytest.raises(ValueError, match='gives 4 x 4 pixels.*5 x 5'):
        read(image)


@pytest.mark.parametrize('bad', [
    None, 3, [], torch.zeros(4, 4).byte(), torch.zeros(3, 4, 4),
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)),
    torch.zeros(3, 0, 0).byte(), [None]])
@pytest.mark.parametrize('call', ['encode', 'reconstruct', 'vary'])
def test_other_things_than_images_are_refused(rcg, call, bad):
    with pytest.raises(ValueError, match='images must be Pillow images'):
        getattr(rcg, call)(bad)


def test_files_that_are_no_images(rcg, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r"a\.png' cannot be read as an im"):
        rcg.encode(tmp_path / 'a.png')
    with pytest.raises(FileNotFoundError, match=r"no image 'gone\.png'"):
        rcg.encode('gone.png')


def test_more_pixels_than_are_taken(rcg, monkeypatch):
    monkeypatch.setattr('rcg.apis.inference.given.MAX_PIXELS', 99)
    with pytest.raises(ValueError, match='10 x 10 pixels; at most 99'):
        rcg.encode(Image.new('RGB', (10, 10)))
    with pytest.raises(ValueError, match='10 x 10 pixels; at most 99'):
        rcg.encode(np.zeros((10, 10, 3), np.uint8))
