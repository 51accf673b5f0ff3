"""The project that the README makes works, in a copy of the checkout."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_new_project_needs_no_installation(tmp_path, untrained):
    for name in ('rcg', 'configs', 'tools'):
        shutil.copytree(ROOT / name, tmp_path / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    text = (ROOT / 'projects' / 'README.md').read_text()
    blocks = re.findall(r'```python\n# (\S+)\n(.*?)```', text, re.DOTALL)
    for name, code in blocks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / 'tools/sample.py'),
         str(tmp_path / 'projects/gaussian/mage.py'),
         str(untrained / 'mage'), '--num', '3', '--out', 'drawn'],
        cwd=untrained, capture_output=True, text=True,
        env={**os.environ, 'PYTHONPATH': str(tmp_path),
             'RCG_ROOT': str(untrained)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((untrained / 'drawn').glob('*.png'))) >= 3
    assert len(blocks) == 2
