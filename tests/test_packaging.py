"""The wheel carries configs and tools; the requirements are one list."""
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_wheel(tmp_path):
    source = tmp_path / 'source'
    source.mkdir()
    for name in ('rcg', 'configs', 'tools', 'projects', 'requirements'):
        shutil.copytree(ROOT / name, source / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE',
                 'MANIFEST.in'):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir',
         str(tmp_path)], cwd=source, check=True, capture_output=True)
    wheel, = tmp_path.glob('rcg-*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ('rcg/models/rcg.py',
                 'rcg/pretraining/moco_v3.py',
                 'rcg/projects/quickstart/plan.py',
                 'rcg/share/configs/digits/mage.py',
                 'rcg/share/configs/_base_/default_runtime.py',
                 'rcg/share/tools/train.py',
                 'rcg/share/tools/dist_train.sh',
                 'rcg/verification/parity/pack.py',
                 'rcg/converters/formats.py',
                 'rcg/verification/metrics/expected.json'):
        assert name in names
    # From any folder: a config is found inside the installed package.
    site = tmp_path / 'site'
    zipfile.ZipFile(wheel).extractall(site)
    found = subprocess.run(
        [sys.executable, '-c', 'import sys; sys.path.insert(0, sys.argv[1]);'
         'from rcg.engine import load_config; import rcg;'
         'assert rcg.__file__.startswith(sys.argv[1]);'
         'print(load_config("configs/digits/mage.py").model.type);'
         'from rcg.registry import MODELS; print(MODELS.get("MoCoV3"))',
         str(site)], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert found.stdout.splitlines() == [
        'RCG', "<class 'rcg.pretraining.moco_v3.MoCoV3'>"]
    # And so is a tool with modules of its own.
    checked = subprocess.run(
        [sys.executable, str(site / 'rcg/share/tools/verify_reference.py'),
         str(ROOT / 'tests/data/reference'), '--only', 'preprocessing'],
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(site)},
        capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert '1 passed: preprocessing' in checked.stdout
