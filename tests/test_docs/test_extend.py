"""What docs/extend.md tells to write and to run works as it stands there.

It is followed in an empty folder, with rcg installed and no checkout around.
Only the variables that the page exports get other values. What registers a
part alone is imported here.
"""
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from rcg.diffusion import Prediction
from rcg.engine import load_config
from rcg.registry import (
    METRICS,
    MODELS,
    PIXEL_GENERATORS,
    TASK_UTILS,
    TOKENIZERS,
)
from rcg.rng import SampleRng
from tests.test_engine.running import run_tool

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/extend.md').read_text()
FILES = dict(re.findall(r'```python\n# (\S+)\n(.*?)```', PAGE, re.DOTALL))


def commands(config):
    """The commands of the page that take a config."""
    lines = re.sub(r'\\\n\s*', '', '\n'.join(
        re.findall(r'```bash\n(.*?)```', PAGE, re.DOTALL))).splitlines()
    return [line for line in lines
            if not line.startswith('export') and config in line]


class Reader:
    """Follows the page in a folder; has installed rcg for `python`."""

    def __init__(self, folder):
        self.folder = folder / 'mine'
        self.folder.mkdir()
        (folder / 'bin').mkdir()
        python = folder / 'bin/python'
        python.write_text(f'#!/bin/sh\nPYTHONPATH=$PYTHONPATH:{ROOT} '
                          f'exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        path = f'{folder / "bin"}:{os.environ["PATH"]}'
        self.env = {**os.environ, 'PATH': path, 'RCG': str(ROOT)}
        for name in ('PYTHONPATH', 'RCG_ROOT'):
            self.env.pop(name, None)

    def write(self, *names):
        for name in names:
            (self.folder / name).write_text(FILES[name])

    def run(self, command, **variables):
        done = subprocess.run(
            ['bash', '-c', command], cwd=self.folder, check=False,
            capture_output=True, text=True, env={**self.env, **variables})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def test_every_file_of_the_page_is_followed_below():
    assert FILES.keys() == {
        'my_encoder.py', 'my_rdm.py', 'my_denoiser.py', 'my_generator.py',
        'my_mean.py', 'my_sampler.py', 'my_tokenizer.py', 'my_metric.py',
        'my_scores.py'}


@pytest.fixture
def imported(monkeypatch, tmp_path):
    """Import a file of the page; its parts leave their registries again."""
    def run(name):
        (tmp_path / f'{name}.py').write_text(FILES[f'{name}.py'])
        monkeypatch.setitem(sys.modules, name, None)  # the end forgets it
        monkeypatch.delitem(sys.modules, name)
        importlib.import_module(name)

    init_default_scope('rcg')
    monkeypatch.syspath_prepend(tmp_path)
    for registry in (MODELS, PIXEL_GENERATORS, TOKENIZERS, METRICS,
                     TASK_UTILS):
        registry.import_from_location()  # else it would do so in the copy
        monkeypatch.setattr(registry, '_module_dict',
                            dict(registry._module_dict))
    return run


def test_a_tokenizer_of_ones_own(imported):
    imported('my_tokenizer')
    tokenizer = TOKENIZERS.build(dict(type='Shrink', factor=2))
    images = torch.rand(3, 3, 8, 8)
    codes = tokenizer.encode(images)
    assert codes.shape == (3, 3, 4, 4)
    assert tokenizer.training_codes(codes, None) is codes
    assert tokenizer.decode(codes).shape == images.shape


def test_a_generator_of_ones_own(imported):
    imported('my_mean')
    generator = PIXEL_GENERATORS.build(dict(
        type='MeanGenerator', network=dict(
            type='LinearHead', dim=8, shape=[4, 2, 2], condition=dict(
                type='RepresentationCondition', rep_dim=6))))
    rng = SampleRng.from_seed(0, range(3))
    condition, codes = torch.randn(3, 6), torch.randn(3, 4, 2, 2)
    generator.loss(codes, condition, rng)['loss'].backward()
    assert all(p.grad is not None for p in generator.network.head.parameters())
    assert generator.sample(condition, rng).shape == codes.shape


@pytest.mark.parametrize('process', ['FlowMatching', 'GaussianDiffusion'])
def test_a_sampler_of_ones_own(imported, process):
    """If all data are x0, the exact denoiser is known, and so each step."""
    imported('my_sampler')
    sampler = TASK_UTILS.build(dict(type='RenoisingSampler'))
    schedule = TASK_UTILS.build(dict(
        type=process, parameterization='v')).schedule
    rng, x0 = SampleRng.from_seed(0, range(2000)), torch.tensor([2.])
    steps = list(sampler.steps(
        lambda x, time: Prediction(x0.expand_as(x)), rng.normal(1), rng,
        schedule))
    times = sampler.timesteps(schedule)[::-1]
    for (x, _), (a, s) in zip(steps, schedule.levels(times[1:]),
                              strict=False):
        assert x.mean() == pytest.approx(2 * a, abs=.1)
        assert x.std() == pytest.approx(s, abs=.1)
    assert len(steps) == 4 and (steps[-1][0] == 2).all()
    assert rng.num_draws == 4  # the start, and three steps


def test_a_metric_of_ones_own(imported, tmp_path):
    imported('my_metric')
    (tmp_path / 'my_scores.py').write_text(FILES['my_scores.py'])
    cfg, = load_config(tmp_path / 'my_scores.py').test_evaluator
    metric = METRICS.build(cfg)
    for i in range(3):
        image = torch.full((3, 4, 4), 100 * i, dtype=torch.uint8)
        metric.process({}, [dict(index=i, images=image)])
    assert metric.evaluate(3) == {'generation/brightness': 100.,
                                  'generation/brightness_std': 100.}


@pytest.mark.slow
def test_an_encoder_of_ones_own(reader, tmp_path):
    """It takes the place of the project's own and trains an RDM."""
    for i in range(6):
        pixels = np.random.default_rng(i).integers(256, size=(80, 70, 3))
        path = tmp_path / f'images/{i % 2}/{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype('uint8')).save(path)
    reader.write('my_encoder.py', 'my_rdm.py')
    command, = commands('my_rdm.py')
    # No weights can be downloaded here; the rest is to be quick.
    reader.run(command + ' --cfg-options train_cfg.max_iters=2 '
               'model.encoder.weights=None val_evaluator.encoder.weights=None '
               'train_dataloader.batch_size=4 model.denoiser.width=32 '
               'model.denoiser.num_blocks=1 model.sampler.num_steps=2 '
               'val_dataloader.dataset.num_images=8',
               RCG_DATA=str(tmp_path / 'images'))
    assert list(reader.folder.glob('work_dirs/**/iter_2.pth'))


@pytest.mark.slow
def test_a_denoiser_of_ones_own(reader, untrained):
    """One file and one config: it trains, averages and samples."""
    reader.write('my_denoiser.py', 'my_generator.py')
    train, sample = commands('my_generator.py')
    for command in (train + ' --cfg-options train_cfg.max_iters=2',
                    sample + ' --num 2'):
        reader.run(command, RCG_ROOT=str(untrained))
    assert len(list((reader.folder / 'samples').glob('*.png'))) >= 2


@pytest.mark.pages
@pytest.mark.slow
def test_scores_of_ones_own(reader, untrained, tmp_path):
    """The command that ends the chapter on metrics."""
    reader.write('my_metric.py', 'my_scores.py')
    command, = commands('my_scores.py')
    root = tmp_path / 'root'
    shutil.copytree(untrained, root, copy_function=os.link)
    run_tool('train.py', 'configs/digits/classifier.py', '--cfg-options',
             'train_cfg.max_iters=2', RCG_ROOT=str(root))
    out = reader.run(command + ' --cfg-options model.generator.num_steps=2 '
                     'test_dataloader.dataset.num_images=8 '
                     'model.rdm.sampler.num_steps=2', RCG_ROOT=str(root))
    assert 'generation/brightness_std' in out
