"""The quick start's pictures."""
import json

import numpy as np
import pytest
import torch
from PIL import Image

from rcg.datasets import Digits
from rcg.engine import make_grid
from rcg.projects.quickstart.plan import Plan
from rcg.projects.quickstart.plots import plot_samples, plot_stages, split_grid


def write_picture(path, values):
    """Pairs of an original and its reconstruction, or one image a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = torch.tensor(values, dtype=torch.uint8)  # (N, parts)
    images = images.repeat_interleave(16, 1)[:, None, :, None]  # (N, 1, h, 1)
    grid = images.expand(-1, 3, -1, 16)
    grid = make_grid(grid, 64) if len(grid) > 1 else grid[0]
    Image.fromarray(grid.permute(1, 2, 0).numpy()).save(path)


def cell(picture, row, column):
    top, left = 22 + 86 * row, 4 + 68 * column
    return picture[top:top + 64, left:left + 64]


def test_samples(tmp_path):
    write_picture(tmp_path / 'latents' / 'samples' / 'iter_9.png',
                  [[i, 100 + i] for i in range(40)])
    plan = Plan(('dit', ))
    for value, name in enumerate(plan.models):
        for i in range(3):
            write_picture(tmp_path / name / 'images' / f'{i:06d}.png',
                          [[50 * value + i]])
    plot_samples(tmp_path, plan, tmp_path / 'samples.png')
    picture = np.asarray(Image.open(tmp_path / 'samples.png'))
    assert len(picture) == 4 + 86 * 4
    digits = Digits('test')
    digit = digits[19 * len(digits) // 40]['images'].permute(1, 2, 0).numpy()
    assert np.array_equal(cell(picture, 0, 19)[::4, ::4], digit)
    assert (cell(picture, 1, 7) == 107).all()  # the reconstructions
    assert (cell(picture, 2, 2) == 2).all()
    assert (cell(picture, 3, 1) == 51).all()


def test_without_a_tokenizer_there_are_no_reconstructions(tmp_path):
    plan = Plan(('adm', ))
    for name in plan.models:
        write_picture(tmp_path / name / 'images' / '000000.png', [[8]])
    plot_samples(tmp_path, plan, tmp_path / 'samples.png')
    assert Image.open(tmp_path / 'samples.png').height == 4 + 86 * 3


@pytest.mark.slow
def test_curves_of_all_generators(tmp_path):
    plan = Plan(('mage', 'dit', 'adm', 'ldm'))
    for name in plan.trained[:-2]:  # a stage without a log stays empty
        folder = tmp_path / name / '1' / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text('\n'.join(json.dumps(
            dict(iter=i, loss=1., psnr=9.)) for i in (50, 100)))
    plot_stages(tmp_path, plan, tmp_path / 'curves.png')
    assert Image.open(tmp_path / 'curves.png').size == (1000, 1250)
    plot_stages(tmp_path, Plan(), tmp_path / 'curves.png')
    assert Image.open(tmp_path / 'curves.png').size == (1000, 500)


def test_split_grid():
    images = torch.arange(5 * 3 * 8 * 4).view(5, 3, 8, 4).byte()
    grid = make_grid(images).permute(1, 2, 0).numpy()
    pieces = split_grid(grid, 4, 8)
    for image, piece in zip(images, pieces, strict=False):
        assert np.array_equal(piece, image.permute(1, 2, 0).numpy())
