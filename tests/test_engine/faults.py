"""Faults at a chosen step."""
import contextlib
import os
import time

from mmengine.hooks import Hook

from rcg.registry import HOOKS

from .running import CONFIG


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


def wait_for(path, text, seconds=60.):
    """Wait until a file holds a text."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if text in path.read_text():
                return
        time.sleep(.02)
    raise AssertionError(f'no {text!r} in {path}: {path.read_text()}')
