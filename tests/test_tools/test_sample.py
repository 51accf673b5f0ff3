"""tools/sample.py: every mode on untrained digits models."""
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from rcg.apis import RCGInferencer
from rcg.datasets import Digits
from rcg.engine import load_config
from tools import sample

from ..test_engine.running import run_tool


@pytest.fixture
def draw(digits_root, tmp_path):
    """Runs the tool; returns its pictures (N, 3, H, W) and the grid."""
    def run(name, *args):
        args = sample.parse_args([
            f'configs/digits/{name}.py', str(digits_root / name), '--out',
            str(tmp_path / 'out'), '--device', 'cpu', *map(str, args)])
        sample.run(args)
        files = sorted((tmp_path / 'out').glob('0*.png'))
        assert [f.stem for f in files] == [
            f'{i:06d}' for i in range(len(files))]
        images = torch.stack([pixels(file) for file in files])
        return images, pixels(tmp_path / 'out' / 'grid.png')

    return run


def pixels(file):
    return torch.tensor(np.asarray(Image.open(file))).permute(2, 0, 1)


def cell(grid, row, column):
    """An image of a grid with a header."""
    top, left = 40 + 86 * row, 4 + 68 * column
    return grid[:, top:top + 64:4, left:left + 64:4]


def model(root, name='mage'):
    return RCGInferencer(f'configs/digits/{name}.py', root / name, 'cpu')


def test_samples(draw, digits_root):
    images, grid = draw('mage', '--num', 5, '--seed', 2)
    assert torch.equal(images, model(digits_root).sample(
        5, seed=2, batch_size=64, output='tensor'))
    assert grid.shape == (3, 2 * 66 + 2, 3 * 66 + 2)  # 2 rows of 3, enlarged


def test_classes_take_turns(draw, digits_root):
    images, grid = draw('mage_class_cond', '--classes', '7', '2', '--num', 5)
    wanted = model(digits_root, 'mage_class_cond').sample(
        5, labels=[7, 2, 7, 2, 7], batch_size=64, output='tensor')
    assert torch.equal(images, wanted)
    # Without a header: a row for each class.
    assert torch.equal(grid[:, 22:86:4, 140:204:4], images[4])
    assert torch.equal(grid[:, 108:172:4, 72:136:4], images[3])


def test_labels_are_numbers_and_all_by_default(draw, digits_root):
    by_number, _ = draw('mage_class_cond', '--labels', 7, 2, '--num', 5)
    by_default, _ = draw('mage_class_cond', '--num', 12)
    rcg = model(digits_root, 'mage_class_cond')
    assert torch.equal(by_number, rcg.sample(
        5, labels=[7, 2, 7, 2, 7], batch_size=64, output='tensor'))
    assert torch.equal(by_default,
                       rcg.sample(12, labels=[*range(10), 0, 1],
                                  batch_size=64, output='tensor'))


def test_reconstruct_shows_each_image_and_its_draws(draw, digits_root,
                                                    tmp_path):
    real = Digits('test')[4]['images']
    (tmp_path / 'real').mkdir()
    Image.fromarray(real.permute(1, 2, 0).numpy()).save(
        tmp_path / 'real' / 'digit.png')
    images, grid = draw('mage', '--reconstruct', 1, tmp_path / 'real',
                        '--num', 2)
    wanted = model(digits_root).reconstruct(
        torch.stack([Digits('test')[1]['images'], real]), 2,
        output='tensor')
    assert torch.equal(images, wanted.flatten(0, 1))
    assert torch.equal(cell(grid, 1, 0), real)
    assert torch.equal(cell(grid, 1, 2), images[3])


def test_vary(draw, digits_root):
    images, grid = draw('mage', '--vary', 4, '--seed', 1)
    real = Digits('test')[4]['images']
    assert torch.equal(images, model(digits_root).vary(
        real, 8, seed=1, output='tensor'))
    assert torch.equal(cell(grid, 0, 0), real)


def test_interpolate(draw, digits_root):
    images, grid = draw('mage', '--interpolate', 3, 17, '--interpolate', 5, 6,
                        '--steps', 4)
    digits = [Digits('test')[i]['images'] for i in (3, 17, 5, 6)]
    rcg = model(digits_root)
    assert torch.equal(images[:4], rcg.interpolate(
        *digits[:2], 4, output='tensor'))
    assert torch.equal(images[4:], rcg.interpolate(
        *digits[2:], 4, output='tensor'))
    assert torch.equal(cell(grid, 1, 0), digits[2])
    assert torch.equal(cell(grid, 1, 4), images[7])
    assert torch.equal(cell(grid, 1, 5), digits[3])


def test_the_same_images_with_and_without_guidance(draw, digits_root):
    images, grid = draw('mage', '--guidance', 0, 4, '--num', 9)
    rcg = model(digits_root)
    for scale, found in ((1, images[:9]), (5, images[9:])):
        rcg.model.generator.guidance_scale = scale
        assert torch.equal(found, rcg.sample(
            9, batch_size=64, output='tensor'))
    assert not torch.equal(images[:9], images[9:])
    # Image 8 begins the second pair of rows, guided below not guided.
    for row, image in ((0, 0), (1, 9), (2, 8), (3, 17)):
        top = 22 + 86 * row
        assert torch.equal(grid[:, top:top + 64:4, 4:68:4], images[image])


def test_options_change_how_it_draws(draw):
    before, _ = draw('mage', '--vary', 4)
    after, _ = draw('mage', '--vary', 4, '--cfg-options',
                    'model.generator.guidance_scale=5',
                    'model.generator.num_steps=2')
    assert not torch.equal(before, after)


@pytest.mark.parametrize(('name', 'args', 'match'), [
    ('mage_uncond', ['--vary', 0], 'draws images from nothing'),
    ('mage_uncond', ['--guidance', 0, 6], 'guidance cannot change it'),
    ('mage', ['--guidance-scale', 0, 6], 'off at 1, got 0'),
    ('mage', ['--classes', '3'], 'class-conditional'),
    ('mage', ['--labels', 3], 'takes no labels'),
    ('mage', ['--interpolate', 1, 2, '--num', 3], '--steps, not --num'),
    ('mage', ['--interpolate', 1, 2, '--steps', 1], 'at least 2'),
    ('mage', ['--num', 0], 'at least 1, got 0'),
    ('mage_class_cond', ['--classes', 'ten'], "no class is named 'ten'")])
def test_errors(draw, name, args, match):
    with pytest.raises(ValueError, match=match):
        draw(name, *args)


def test_folders_cannot_be_interpolated(draw, tmp_path):
    for name in ('a', 'b'):
        Image.new('RGB', (16, 16)).save(tmp_path / f'{name}.png')
    with pytest.raises(ValueError, match='not folders'):
        draw('mage', '--interpolate', 1, tmp_path)


def test_a_work_folder_alone(digits_root, tmp_path, capsys):
    cfg = load_config('configs/digits/mage.py',
                      ['model.generator.num_steps=2'])
    work = tmp_path / 'mage'
    shutil.copytree(digits_root / 'mage', work)
    cfg.dump(work / 'mage.py')
    sample.run(sample.parse_args([
        str(work), '--num', '2', '--device', 'cpu']))
    drawn = work / 'drawn'
    assert f'{drawn}/grid.png shows' in capsys.readouterr().out
    wanted = RCGInferencer(cfg, work, 'cpu').sample(
        2, batch_size=64, output='tensor')
    assert torch.equal(pixels(drawn / '000001.png'), wanted[1])


@pytest.mark.slow
def test_the_command(digits_root, tmp_path):
    args = 'configs/digits/mage.py', digits_root / 'mage'
    done = run_tool('sample.py', *args, '--vary', 5, '--num', 2,
                    cwd=tmp_path)
    assert '2/2 images' in done.stdout
    assert 'checkpoint' in done.stdout
    grid, = (tmp_path / 'samples').glob('*/grid.png')
    assert f'samples/{grid.parent.name}/grid.png shows' in done.stdout
    done = run_tool('sample.py', *args, '--reconstruct', 'nowhere.jpg',
                    cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "no image or folder 'nowhere.jpg'" in done.stderr
    assert 'Traceback' not in done.stderr
