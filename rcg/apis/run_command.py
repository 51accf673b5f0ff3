"""Run a command of tools/ inside this process."""
import multiprocessing
import os
import runpy
import sys
from pathlib import Path

import torch

import rcg


def home() -> Path:
    """The folder that holds tools/: the checkout, or share/ of a wheel."""
    package = Path(rcg.__file__).resolve().parent
    return next((folder for folder in (package.parent, package / 'share')
                 if (folder / 'tools').is_dir()), package.parent)


def run_command(root: str, command: list[str], threads: int) -> None:
    """Run a tool as ``python tools/NAME.py ...`` would.

    Args:
        root: Work folder, which the configs know as RCG_ROOT.
        command: Path of the tool, such as 'tools/train.py', and arguments.
        threads: Number of threads for PyTorch.
    """
    # Workers of loaders start in the way that our configs set. If another had
    # been set before, MMEngine would warn.
    multiprocessing.set_start_method('fork', force=True)
    torch.set_num_threads(threads)
    os.environ['RCG_ROOT'] = root
    script = home() / command[0]
    sys.argv = [str(script), *command[1:]]
    sys.path.insert(0, str(script.parent))  # as Python does for a script
    runpy.run_path(str(script), run_name='__main__')
