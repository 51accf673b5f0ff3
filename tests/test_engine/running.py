"""Runs of the toy config: in this process, or through the tools."""
import json
import subprocess
import tempfile
from pathlib import Path

from rcg.engine import RcgRunner, load_config
from tests.forked import ROOT, environment, start, status_of

CONFIG = str(Path(__file__).with_name('toy_config.py'))


def build_runner(work_dir, config: str = CONFIG, **options) -> RcgRunner:
    """A Runner; options are config keys with '__' for '.'."""
    dotted = {k.replace('__', '.'): v for k, v in options.items()}
    cfg = load_config(config, {'work_dir': str(work_dir), **dotted})
    return RcgRunner.from_cfg(cfg)


def run_tool(name: str, *args, check: bool = True, cwd=None,
             **env) -> subprocess.CompletedProcess:
    """Run a file of ``tools``; with ``check`` its failure fails the test.

    A Python tool runs in a fork of a process that has imported the package,
    which saves seconds. What has to start as users start it is a command of
    ``subprocess`` in its test.
    """
    if name.endswith('.sh'):
        done = subprocess.run(
            ['bash', str(ROOT / 'tools' / name), *map(str, args)],
            capture_output=True, text=True, cwd=cwd, check=False,
            env=environment(**env), timeout=600)
    else:
        done = _run_forked(name, args, cwd, env)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def _run_forked(name: str, args, cwd, env: dict[str, str]
                ) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, 'out'), Path(folder, 'err')
        status = status_of(start(name, *args, out=out, err=err, cwd=cwd,
                                 **env), 600)
        return subprocess.CompletedProcess(
            [name, *args], status, out.read_text(), err.read_text())


def scalars(work_dir, key: str = 'loss') -> dict[int, float]:
    """A logged value by step, over all runs in a work folder."""
    values = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if key in entry:
                values[entry['step']] = entry[key]
    return values
