"""Tools in forks of a process that has imported everything.

A new process would import for five seconds. Imports little: it is preloaded.
"""
import atexit
import ctypes
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_CONTEXT = multiprocessing.get_context('forkserver')
_PRELOADED = ['rcg.apis.sampling', 'rcg.apis.testing', 'rcg.apis.training',
              'rcg.datasets', 'rcg.evaluation', 'rcg.pretraining',
              'tests.forked', 'tests.test_engine.faults',
              'torch._dynamo',  # which an optimizer's first step imports
              'torch.utils.tensorboard', 'torchvision']


def environment(**extra) -> dict[str, str]:
    """For a child process: one thread, this checkout."""
    return {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1',
            'MKL_NUM_THREADS': '1', 'PYTHON': sys.executable, **extra}


def start(tool: str, *arguments, out, err=None, cwd=None, **variables):
    """Run a file of ``tools`` as ``python TOOL ARGUMENTS`` would.

    Args:
        tool: Its name, such as 'train.py'.
        arguments: Of the command.
        out: File for what it prints.
        err: File for its errors; by default the same.
        cwd: Working folder; by default that of this process.
        variables: Of the environment, besides those of this process.
            TEST_NETWORK names a network namespace of Linux to move to.

    Returns:
        A ``multiprocessing.Process``, leader of a process group.
    """
    _CONTEXT.set_forkserver_preload(_PRELOADED)
    process = _CONTEXT.Process(target=_run, args=(
        [str(ROOT / 'tools' / tool), *map(str, arguments)],
        str(cwd or os.getcwd()), environment(**variables),
        [str(out), str(err or out)]))
    process.start()
    return process


def launched(world: int) -> list[dict[str, str]]:
    """Variables that a launcher gives to each of several processes."""
    port = str(free_port())
    return [dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world),
                 LOCAL_WORLD_SIZE=str(world), MASTER_ADDR='127.0.0.1',
                 MASTER_PORT=port) for rank in range(world)]


def start_ranks(world: int, tool: str, *arguments, folder, **options):
    """Run a tool in several processes; their logs are 0.log, 1.log, ..."""
    return [start(tool, *arguments, '--launcher', 'pytorch',
                  out=folder / f'{rank}.log', **variables, **options)
            for rank, variables in enumerate(launched(world))]


def run_ranks(world: int, tool: str, *arguments, folder, **options) -> str:
    """Run a tool in several processes; what the first one printed.

    If one fails, the test does.
    """
    folder.mkdir(exist_ok=True)
    ranks = start_ranks(world, tool, *arguments, folder=folder, **options)
    statuses = [status_of(rank, 300.) for rank in ranks]
    logs = [(folder / f'{rank}.log').read_text() for rank in range(world)]
    assert statuses == [0] * world, '\n'.join(logs)
    return logs[0]


def call_in_two(function, *args) -> None:
    """Call a function of a module in two processes, as torchrun would.

    They are forks of a process that has done no backward pass: in a fork of
    one in which autograd has threads, PyTorch refuses it. If a call fails,
    the test does.
    """
    _CONTEXT.set_forkserver_preload(_PRELOADED)
    failures = _CONTEXT.SimpleQueue()
    processes = [_CONTEXT.Process(
        target=_call, args=(environment(**variables), failures, function,
                            args)) for variables in launched(2)]
    for process in processes:
        process.start()
    statuses = [status_of(process, 120.) for process in processes]
    assert failures.empty(), failures.get()
    assert statuses == [0, 0]


def _call(env: dict[str, str], failures, function, args) -> None:
    """In the fork."""
    import torch
    os.environ.clear()
    os.environ.update(env)
    torch.set_num_threads(1)
    try:
        function(*args)
    except BaseException:
        failures.put(traceback.format_exc())


def status_of(process, seconds: float = 60.) -> int:
    """Exit status; a process that does not end in time fails the test."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError('the process did not end')
    return process.exitcode


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def _run(command: list[str], cwd: str, env: dict[str, str],
         outputs: list[str]) -> None:
    """In the fork: what a process that was started anew would find."""
    import torch
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    _redirect(outputs)
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if 'TEST_NETWORK' in env:
        _enter_network(env['TEST_NETWORK'])
    torch.set_num_threads(1)
    multiprocessing.set_start_method(None, force=True)
    sys.argv = command
    sys.path.insert(0, os.path.dirname(command[0]))
    try:
        runpy.run_path(command[0], run_name='__main__')
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves without them


def _redirect(outputs: list[str]) -> None:
    for number, path in enumerate([os.devnull, *outputs]):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)


def _enter_network(name: str) -> None:
    """Move this process to a network namespace (setns of Linux)."""
    with open(f'/run/netns/{name}') as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), name)
