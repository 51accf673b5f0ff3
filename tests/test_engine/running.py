"""Runs of the toy config: in this process, or through the tools."""
import json
import os
import subprocess
import sys
from pathlib import Path

from rcg.engine import RcgRunner, load_config

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(Path(__file__).with_name('toy_config.py'))


def build_runner(work_dir, config: str = CONFIG, **options) -> RcgRunner:
    """A Runner; options are config keys with '__' for '.'."""
    dotted = {k.replace('__', '.'): v for k, v in options.items()}
    cfg = load_config(config, {'work_dir': str(work_dir), **dotted})
    return RcgRunner.from_cfg(cfg)


def environment(**extra) -> dict[str, str]:
    """For a child process: one thread, this checkout."""
    return {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1',
            'MKL_NUM_THREADS': '1', 'PYTHON': sys.executable, **extra}


def run_tool(name: str, *args, check: bool = True, cwd=None,
             **env) -> subprocess.CompletedProcess:
    """Run a file of ``tools``; with ``check`` its failure fails the test."""
    program = ['bash'] if name.endswith('.sh') else [sys.executable]
    done = subprocess.run(
        [*program, str(ROOT / 'tools' / name), *map(str, args)],
        capture_output=True, text=True, cwd=cwd, check=False,
        env=environment(**env), timeout=600)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def scalars(work_dir, key: str = 'loss') -> dict[int, float]:
    """A logged value by step, over all runs in a work folder."""
    values = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if key in entry:
                values[entry['step']] = entry[key]
    return values
