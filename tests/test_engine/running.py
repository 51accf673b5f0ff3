"""Runs of the toy config: in this process, or through the tools."""
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rcg.engine import RcgRunner, load_config

from . import forked

# Imported once by the process that runs of tools are forks of.
_PRELOADED = ['rcg.apis.sampling', 'rcg.apis.testing', 'rcg.apis.training',
              'rcg.datasets', 'rcg.evaluation', 'rcg.pretraining',
              'tests.test_engine.forked']
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
    """Run a file of ``tools``; with ``check`` its failure fails the test.

    A Python tool runs in a fork of a process that has imported the package,
    which saves seconds. What has to start as users start it is a command of
    ``subprocess`` in its test.
    """
    command = [str(ROOT / 'tools' / name), *map(str, args)]
    if name.endswith('.sh'):
        done = subprocess.run(
            ['bash', *command], capture_output=True, text=True, cwd=cwd,
            check=False, env=environment(**env), timeout=600)
    else:
        done = _run_forked(command, cwd, environment(**env))
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def _run_forked(command: list[str], cwd, env: dict[str, str]
                ) -> subprocess.CompletedProcess:
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(_PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        outputs = [os.path.join(folder, name) for name in ('out', 'err')]
        process = context.Process(target=forked.run, args=(
            command, str(cwd or os.getcwd()), env, outputs))
        process.start()
        process.join(600)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(command, 600)
        texts = [Path(path).read_text() for path in outputs]
    return subprocess.CompletedProcess(command, process.exitcode, *texts)


def scalars(work_dir, key: str = 'loss') -> dict[int, float]:
    """A logged value by step, over all runs in a work folder."""
    values = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if key in entry:
                values[entry['step']] = entry[key]
    return values
