"""What the README tells to write works as it stands there."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def blocks():
    """File name: content, of the README's Python examples."""
    text = (ROOT / 'README.md').read_text()
    return dict(re.findall(r'```python\n# (\S+)\n(.*?)```', text, re.DOTALL))


@pytest.mark.slow
def test_a_denoiser_of_ones_own(tmp_path, untrained):
    """One file and one config: it trains, averages and samples."""
    for name in ('my_denoiser.py', 'my_generator.py'):
        code = blocks()[name].replace("'configs/", f"'{ROOT}/configs/")
        (tmp_path / name).write_text(code)
    work = tmp_path / 'work'
    for command in (
            ['train.py', 'my_generator.py', '--work-dir', str(work),
             '--cfg-options', 'train_cfg.max_iters=2'],
            ['sample.py', 'my_generator.py', str(work), '--num', '2',
             '--out', 'drawn']):
        done = subprocess.run(
            [sys.executable, str(ROOT / 'tools' / command[0]), *command[1:]],
            cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, 'PYTHONPATH': f'{ROOT}:.',
                 'RCG_ROOT': str(untrained)})
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / 'drawn').glob('*.png'))) >= 2
