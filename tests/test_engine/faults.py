"""Faults at a chosen step, and processes that are cheap to start."""
import contextlib
import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import time
from pathlib import Path

from mmengine.hooks import Hook

from rcg.registry import HOOKS

from .running import CONFIG

CONTEXT = multiprocessing.get_context('forkserver')


@HOOKS.register_module()
class FaultHook(Hook):
    """Does something to its own process after an iteration.

    Args:
        at: Number of the iteration, of the batch in tests, from 1.
        rank: The process that it happens in.
        send: Signals to send.
        sleep: Seconds to sleep afterwards.
        error: Raise a RuntimeError.
        leave: Exit with status 3.
        pause: Seconds to sleep after each iteration.
        where: 'train', 'val' or 'test'.
    """

    def __init__(self, at=3, rank=0, send=(), sleep=0., error=False,
                 leave=False, pause=0., where='train'):
        self.at, self.rank, self.send, self.sleep = at, rank, send, sleep
        self.error, self.leave = error, leave
        self.pause, self.where = pause, where

    def after_train_iter(self, runner, **kwargs):
        self._act('train', runner.iter + 1)

    def after_val_iter(self, runner, batch_idx, **kwargs):
        self._act('val', batch_idx + 1)

    def after_test_iter(self, runner, batch_idx, **kwargs):
        self._act('test', batch_idx + 1)

    def _act(self, where, done):
        time.sleep(self.pause)
        if (where != self.where or done != self.at
                or int(os.environ.get('RANK', 0)) != self.rank):
            return
        for number in self.send:
            os.kill(os.getpid(), number)
            time.sleep(self.sleep)
        if not self.send:
            time.sleep(self.sleep)
        if self.error:
            raise RuntimeError('the fault of this test')
        if self.leave:
            os._exit(3)


def _command(name, arguments, log, variables):
    """In a new process: run a file of tools, all output into one file."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout.reconfigure(line_buffering=True)
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(variables)
    if 'TEST_NETWORK' in variables:
        enter_network(variables['TEST_NETWORK'])
    tools = Path(__file__).parents[2] / 'tools'
    sys.path.insert(0, str(tools))
    sys.argv = [name, *map(str, arguments)]
    import importlib

    import torch
    torch.set_num_threads(1)
    importlib.import_module(f'tools.{name}').main()


def enter_network(name):
    """Move this process to a network namespace (setns of Linux)."""
    with open(f'/run/netns/{name}') as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), name)


def training(folder, options=(), **fault):
    """Arguments of train.py: 1,000 iterations with a FaultHook."""
    path = folder / 'config.py'
    path.write_text('\n'.join([
        f'_base_ = {CONFIG!r}',
        "custom_imports = dict(imports=['tests.test_engine.toy', "
        "'tests.test_engine.faults'])",
        f"custom_hooks = [dict(type='FaultHook', **{fault!r})]",
        'train_cfg = dict(max_iters=1000)',
        'default_hooks = dict(checkpoint=dict(interval=1000))',
        'val_cfg = val_dataloader = val_evaluator = None', *options]))
    return path, '--work-dir', folder


def start(name, *arguments, log, **variables):
    """Run a command in a fork of a process that has imported everything."""
    CONTEXT.set_forkserver_preload(
        ['rcg.apis', 'rcg.engine', 'tests.test_engine.faults',
         'tests.test_engine.toy', 'torch.distributed', 'torch._dynamo'])
    process = CONTEXT.Process(
        target=_command, args=(name, arguments, str(log), variables))
    process.start()
    return process


def start_ranks(world, name, *arguments, folder, **variables):
    """Run a command in several processes; their logs are 0.log, 1.log, ..."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    return [start(name, *arguments, '--launcher', 'pytorch',
                  log=folder / f'{rank}.log', RANK=str(rank),
                  LOCAL_RANK=str(rank), WORLD_SIZE=str(world),
                  MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), **variables)
            for rank in range(world)]


def wait_for(path, text, seconds=60.):
    """Wait until a file holds a text."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if text in path.read_text():
                return
        time.sleep(.02)
    raise AssertionError(f'no {text!r} in {path}: {path.read_text()}')


def status_of(process, seconds=60.):
    """Exit status; a process that does not end in time fails the test."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError('the process did not end')
    return process.exitcode
