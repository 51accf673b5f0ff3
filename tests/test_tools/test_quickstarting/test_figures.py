"""The quick start's picture of samples."""
import numpy as np
import torch
from PIL import Image

from rcg.engine import make_grid
from tools.quickstarting.figures import draw_samples, split_grid


def test_samples_of_the_quick_start(tmp_path):
    for name, value in (('mage', 50), ('mage_uncond', 90)):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new('RGB', (16, 16), (value, ) * 3).save(
                tmp_path / name / f'{i:06d}.png')
    draw_samples(tmp_path, [('RCG', tmp_path / 'mage'), ('none', tmp_path),
                            ('plain', tmp_path / 'mage_uncond')],
                 tmp_path / 'samples.png')
    picture = np.asarray(Image.open(tmp_path / 'samples.png'))
    assert (picture[22:86, 4:68] == 50).all()
    assert (picture[108:172, 140:204] == 90).all()


def test_split_grid():
    images = torch.arange(5 * 3 * 8 * 4).view(5, 3, 8, 4).byte()
    grid = make_grid(images).permute(1, 2, 0).numpy()
    pieces = split_grid(grid, 4, 8)
    for image, piece in zip(images, pieces, strict=False):
        assert np.array_equal(piece, image.permute(1, 2, 0).numpy())
