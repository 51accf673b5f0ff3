"""A folder in which commands of pages run."""
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from rcg.apis.fitting.project import write_project

from .running import run
from .test_pages import blocks

# As small as it gets; the rest is the preset's.
SMALL = dict(_size=32, _rdm=dict(width=32, num_blocks=1), _dtype='float32')


@pytest.fixture(scope='session')
def template(untrained, tmp_path_factory):
    """A folder where the quick start has worked, as it were."""
    folder = tmp_path_factory.mktemp('template')
    root = folder / 'work_dirs/quickstart'
    shutil.copytree(untrained, root, copy_function=os.link)
    for name in ('classifier', 'mage', 'mage_uncond'):
        shutil.rmtree(root / name, ignore_errors=True)
        run(folder, ['python', 'tools/train.py', f'configs/digits/{name}.py'])
    rng = np.random.default_rng(0)
    for i in range(40):
        path = folder / f'images/{i % 2}/{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(256, size=(4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(path)
    return folder


@pytest.fixture(scope='session')
def rich_template(template, tmp_path_factory):
    """The same, with what tools/fit.py and earlier commands leave."""
    folder = tmp_path_factory.mktemp('rich') / 'here'
    shutil.copytree(template, folder, copy_function=os.link)
    project = folder / 'work_dirs/fit/images-32'
    write_project(project, str(folder / 'images'), 'tiny_32', SMALL)
    for stage in ('encoder', 'tokenizer', 'rdm', 'mage'):
        run(folder, ['python', 'tools/train.py', f'{project}/{stage}.py'])
    root = folder / 'work_dirs/quickstart'
    shutil.copytree(root / 'rdm', root / 'rdm_flow', copy_function=os.link)
    shutil.copytree(root / 'rdm', folder / 'rdm_crops')
    crops, = (code for _, code in blocks('docs/benchmarks.md', 'python')
              if code.startswith('# crops.py'))
    (folder / 'crops.py').write_text(crops)
    for name in ('a.json', 'b.json'):
        run(folder, ['python', 'tools/test.py', 'CONFIG', 'CHECKPOINT',
                     '--out', name])
    for name in ('one.png', 'another.png'):
        shutil.copy(folder / 'images/0/0.png', folder / name)
    (folder / 'toy.py').write_text(
        "custom_imports = dict(imports=['tests.test_evaluation.toy'])\n"
        "extractor = dict(type='ToyExtractor')\n")
    run(folder, ['python', 'tools/reference_statistics.py', 'REAL',
                 'adm.npz'])
    return folder
