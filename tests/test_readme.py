"""What the README tells to write and to run works as it stands there.

It is followed in an empty folder, with rcg installed and no checkout around.
Only the variables that the README exports get other values.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
SECTION = re.search(r'\n## Add your own\n(.*?)\n## ',
                    (ROOT / 'README.md').read_text(), re.DOTALL)[1]
FILES = dict(re.findall(r'```python\n# (\S+)\n(.*?)```', SECTION, re.DOTALL))


def commands(config):
    """The commands of the README that take a config."""
    lines = re.sub(r'\\\n\s*', '', '\n'.join(
        re.findall(r'```bash\n(.*?)```', SECTION, re.DOTALL))).splitlines()
    return [line for line in lines
            if not line.startswith('export') and config in line]


class Reader:
    """Follows the README in a folder; has installed rcg for `python`."""

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


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def test_every_file_of_the_section_is_followed_below():
    assert FILES.keys() == {'my_encoder.py', 'my_rdm.py', 'my_denoiser.py',
                            'my_generator.py'}


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
