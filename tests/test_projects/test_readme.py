"""The project that the README makes works, in a copy of the checkout."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_engine.running import run_tool

ROOT = Path(__file__).parents[2]


@pytest.mark.pages
@pytest.mark.slow
def test_a_new_project_needs_no_installation(tmp_path, untrained):
    for name in ('rcg', 'configs', 'tools'):
        shutil.copytree(ROOT / name, tmp_path / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    text = (ROOT / 'projects' / 'README.md').read_text()
    blocks = re.findall(r'```python\n# (\S+)\n(.*?)```', text, re.DOTALL)
    assert len(blocks) == 2
    for name, code in blocks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    root = tmp_path / 'work_dirs/quickstart'
    shutil.copytree(untrained, root, copy_function=os.link)
    run_tool('train.py', 'configs/digits/classifier.py', '--cfg-options',
             'train_cfg.max_iters=2', RCG_ROOT=str(root))
    command, = re.findall(r'```bash\npython (.*?)\n```', text, re.DOTALL)
    env = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    env.pop('RCG_ROOT', None)
    done = subprocess.run(
        [sys.executable, *command.split(), '--cfg-options',
         'test_dataloader.dataset.num_images=20',
         'model.generator.num_steps=2'],
        cwd=tmp_path, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'held_out/fd' in done.stdout
