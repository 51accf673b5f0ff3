"""A wheel is the whole project: it works with no checkout near."""
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.reference import CASES

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """A folder that holds what is in the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    source.mkdir()
    for name in ('rcg', 'configs', 'tools', 'projects', 'requirements'):
        shutil.copytree(ROOT / name, source / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE',
                 'MANIFEST.in'):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir',
         str(folder)], cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    wheel, = folder.glob('rcg-*.whl')
    zipfile.ZipFile(wheel).extractall(folder / 'site')
    return folder / 'site'


@pytest.fixture
def python(site, tmp_path):
    """Run Python in an empty folder, with the wheel's rcg and no other."""
    def run(*args, **variables):
        folder = tmp_path / 'empty'
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, *map(str, args)], cwd=folder, check=False,
            capture_output=True, text=True,
            env={**os.environ, 'PYTHONPATH': str(site), **variables})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


# Ends each program: it has imported nothing of this checkout (save what an
# environment in it has installed).
NOTHING_ELSE = f"""
import sys
import rcg
found = [module.__file__ for module in list(sys.modules.values())
         if (getattr(module, '__file__', None) or '').startswith({str(ROOT)!r}
                                                                 + '/')]
assert not [path for path in found if 'site-packages' not in path], found
assert rcg.__file__.startswith(sys.argv[1]), rcg.__file__
"""


@pytest.mark.parametrize('name', [
    'rcg/models/rcg.py',
    'rcg/pretraining/moco_v3.py',
    'rcg/projects/quickstart/plan.py',
    'rcg/projects/timm_denoiser/configs/digits.py',
    'rcg/share/configs/digits/mage.py',
    'rcg/share/configs/_base_/default_runtime.py',
    'rcg/share/tools/train.py',
    'rcg/share/tools/dist_train.sh',
    'rcg/verification/parity/pack.py',
    'rcg/converters/formats.py',
    'rcg/converters/weights.json',
    'rcg/verification/metrics/expected.json'])
def test_what_the_wheel_holds(site, name):
    assert (site / name).is_file()


def test_configs_and_types_are_found(site, python):
    out = python('-c', """
from rcg.engine import load_config
from rcg.registry import MODELS
print(load_config('configs/digits/mage.py').model.type)
print(MODELS.get('MoCoV3'))
open('mine.py', 'w').write("_base_ = 'rcg::digits/dit.py'")
print(load_config('mine.py').model.generator.type)
from rcg.projects import timm_denoiser
config = timm_denoiser.__path__[0] + '/configs/digits.py'
print(load_config(config).model.generator.network.type)
""" + NOTHING_ELSE, site)
    assert out.splitlines() == [
        'RCG', "<class 'rcg.pretraining.moco_v3.MoCoV3'>",
        'DiffusionGenerator', 'TimmDenoiser']


def test_a_tool(site, python):
    assert '1 passed: preprocessing' in python(
        site / 'rcg/share/tools/verify_reference.py',
        ROOT / 'tests/data/reference', '--only', 'preprocessing')


def test_a_conversion_from_python(site, python, tmp_path):
    weights = load_file(CASES / 'rdm_uncond/weights.safetensors')
    file, out = tmp_path / 'published.pth', tmp_path / 'rdm.safetensors'
    torch.save({'model': weights, 'epoch': 3}, file)
    python('-c', """
import sys
import rcg.converters, rcg.pretraining, rcg.apis.sweep
import rcg.evaluation.functional, rcg.evaluation.protocol
rcg.converters.convert(sys.argv[2], sys.argv[3])
""" + NOTHING_ELSE, site, file, out)
    converted = load_file(out)
    assert torch.equal(
        converted['denoiser.input_proj.weight'],
        weights['model_ema.diffusion_modelinput_projweight'])


def test_a_sample_from_python(site, python, untrained):
    out = python('-c', """
import sys
from rcg.apis import RCGInferencer
model = RCGInferencer('rcg::digits/mage.py', sys.argv[2], 'cpu')
print(tuple(model.sample(2, output='tensor').shape))
""" + NOTHING_ELSE, site, untrained / 'mage', RCG_ROOT=str(untrained))
    assert out == '(2, 3, 16, 16)\n'
