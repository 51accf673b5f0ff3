"""A tool in a forked process. Imports little: it is preloaded."""
import atexit
import multiprocessing
import os
import runpy
import sys


def run(command: list[str], cwd: str, env: dict[str, str],
        outputs: list[str]) -> None:
    """Run a script as ``python SCRIPT ARGUMENTS`` would.

    Args:
        command: Path of the script, and its arguments.
        cwd: Working folder.
        env: All environment variables.
        outputs: Files for stdout and stderr.
    """
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate([os.devnull, *outputs]):
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, 'w', closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
    # What a process that was started anew would find.
    multiprocessing.set_start_method(None, force=True)
    sys.argv = command
    sys.path.insert(0, os.path.dirname(command[0]))
    try:
        runpy.run_path(command[0], run_name='__main__')
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves without them
