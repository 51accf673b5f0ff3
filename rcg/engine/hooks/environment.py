"""What a run ran on, and by which command: a file beside its log."""
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch
from mmengine.dist import get_world_size, master_only
from mmengine.hooks import Hook

import rcg
from rcg.checkpoint import open_atomically
from rcg.registry import HOOKS

# Environment variables that change results or speed.
_VARIABLES = re.compile(
    r'(CUDA|CUDNN|CUBLAS|NVIDIA|NCCL|GLOO|OMP|MKL|KMP|OPENBLAS|NUMEXPR|TORCH|'
    r'PYTORCH|TRITON|RCG|MALLOC|SLURM_(JOB_ID|NODELIST|NTASKS|RESTART))_?.*|'
    r'PYTHON(HASHSEED|PATH|UTF8|OPTIMIZE)|LC_ALL|LANG|WORLD_SIZE|RANK|'
    r'LOCAL_RANK|MASTER_ADDR|MASTER_PORT|LD_(PRELOAD|LIBRARY_PATH)')
_SECRET = re.compile('TOKEN|SECRET|PASS|KEY|CREDENTIAL')
_MAX_DIFF = 1 << 20  # bytes


@HOOKS.register_module()
class EnvironmentHook(Hook):
    """Writes ``environment.json`` to the folder of a run's log.

    Each start of a run has its own: ``<work_dir>/<time>/environment.json``.
    It holds the command, seed, versions of all packages, machine, GPUs, the
    environment variables that matter, and the commit of rcg and of the
    project in the current folder. Uncommitted changes of up to 1 MB go to
    ``<project>.diff`` beside it.
    """

    @master_only
    def before_run(self, runner) -> None:
        folder = Path(runner.log_dir)
        about = dict(
            command=shlex.join(sys.orig_argv), folder=os.getcwd(),
            time=runner.timestamp, seed=runner.seed,
            deterministic=torch.are_deterministic_algorithms_enabled(),
            processes=get_world_size(),
            rcg=rcg.__version__, torch=torch.__version__, machine=_machine(),
            gpus=_gpus(),
            variables={
                name: value for name, value in sorted(os.environ.items())
                if _VARIABLES.fullmatch(name) and not _SECRET.search(name)},
            packages=_packages(), git=_git(folder))
        self._about = about
        self._write(runner)

    @master_only
    def before_train(self, runner) -> None:
        """Note from where a run goes on, and how often it was extended."""
        if runner.iter == 0:
            return
        self._about['resumed'] = dict(
            iteration=runner.iter, max_iters=runner.max_iters,
            checkpoint=getattr(runner, 'loaded_from', None),
            extensions=runner.cfg.get('extensions') or [])
        self._write(runner)

    def _write(self, runner) -> None:
        path = Path(runner.log_dir) / 'environment.json'
        with open_atomically(str(path)) as file:
            file.write((json.dumps(self._about, indent=1) + '\n').encode())


def _machine() -> dict:
    return dict(
        name=platform.node(), system=platform.platform(),
        python=sys.version, processor=platform.processor(),
        cores=os.cpu_count(), threads=torch.get_num_threads(),
        cpu_capability=torch.backends.cpu.get_cpu_capability())


def _gpus() -> dict | None:
    """GPUs, driver and libraries; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    driver = Path('/proc/driver/nvidia/version')
    return dict(
        names=[torch.cuda.get_device_name(i)
               for i in range(torch.cuda.device_count())],
        driver=(driver.read_text('utf-8').splitlines()[0]
                if driver.exists() else None),
        cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version())


def _packages() -> dict[str, str]:
    return dict(sorted({
        (found.metadata['Name'] or '?', found.version)
        for found in metadata.distributions()}))


def _git(folder: Path) -> dict[str, dict]:
    """State of the repositories of rcg and of the current folder.

    Args:
        folder: Where uncommitted changes are written.
    """
    places, states = [], {}
    home = Path(rcg.__file__).parents[1]
    if (home / '.git').exists():
        places.append(home)
    places.append(Path.cwd())
    for place in places:
        root = _ask_git(place, 'rev-parse', '--show-toplevel')
        if not root or os.fsdecode(root).strip('\n') in states:
            continue
        root = os.fsdecode(root).strip('\n')
        commit = _ask_git(root, 'rev-parse', 'HEAD') or b''
        changed = _ask_git(root, 'status', '--porcelain') or b''
        states[root] = dict(commit=commit.decode().strip() or None,
                            changed=os.fsdecode(changed).splitlines())
        diff = _ask_git(root, 'diff', '--binary', '--no-ext-diff',
                        '--no-textconv', 'HEAD')
        if diff and len(diff) <= _MAX_DIFF:
            name = f'{Path(root).name}.diff'
            with open_atomically(str(folder / name)) as file:
                file.write(diff)
            states[root]['diff'] = name
    return states


def _ask_git(folder, *arguments: str) -> bytes | None:
    """What git prints; None if there is no git or no repository."""
    try:
        return subprocess.run(
            ['git', '-c', 'core.fsmonitor=false', '-C', str(folder),
             *arguments], check=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
