"""Checkpoints during training."""
import contextlib
import math
import os
import re

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from rcg.checkpoint import open_atomically, to_plain
from rcg.engine.hooks.progress import ProgressHook
from rcg.engine.optim import just_skipped, single_wrappers
from rcg.engine.states import with_histories
from rcg.engine.validations import flush_curves
from rcg.registry import HOOKS

_NAME = re.compile(r'iter_(\d+)\.pth')


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Saves ``iter_N.pth``, and only then removes old checkpoints.

    The last iteration is always saved. A loop of epochs can only be resumed
    at the start of one: there, ``interval`` is rounded up to whole epochs.
    ``last_checkpoint`` holds the file
    name of the newest checkpoint without its folder, so that a work folder
    can be moved.

    Args:
        interval: Iterations between checkpoints.
        max_keep_ckpts: Number of newest checkpoints to keep; -1 keeps all.
        save_best: Validation metric; ``best.pth`` holds the (averaged)
            weights with its best value so far.
        archive_interval: Iterations between checkpoints that stay for good,
            besides the newest: a multiple of ``interval``. None: there are
            none.
        rule: 'less' or 'greater': which value of ``save_best`` is better.

    Raises:
        ValueError: An argument is out of range, or a checkpoint would fall
            between the micro-batches of one step and lose their gradients.
    """

    priority = 'VERY_LOW'

    def __init__(self, interval: int = 1000, max_keep_ckpts: int = 2,
                 save_best: str | None = None, rule: str = 'less',
                 archive_interval: int | None = None) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}.')
        if max_keep_ckpts == 0 or max_keep_ckpts < -1:
            raise ValueError('max_keep_ckpts must be at least 1, or -1 for '
                             f'all, got {max_keep_ckpts}.')
        if rule not in ('less', 'greater'):
            raise ValueError(f"rule must be 'less' or 'greater', got {rule!r}")
        if archive_interval is not None and (
                archive_interval < 1 or archive_interval % interval):
            raise ValueError('archive_interval must be a multiple of interval '
                             f'({interval}), got {archive_interval}.')
        self.interval, self.max_keep_ckpts = interval, max_keep_ckpts
        self.save_best, self.rule = save_best, rule
        self.archive_interval = archive_interval

    def before_train(self, runner) -> None:
        for wrapper in single_wrappers(runner.optim_wrapper).values():
            counts = wrapper._accumulative_counts
            if self.interval % counts:
                raise ValueError(
                    f'the checkpoint interval ({self.interval}) must be a '
                    f'multiple of accumulative_counts ({counts}).')
        loop = runner.train_loop
        if (isinstance(loop, EpochBasedTrainLoop)
                and runner.iter != runner.epoch * len(loop.dataloader)):
            runner.logger.warning(
                f'iteration {runner.iter} is inside of an epoch: '
                'EpochBasedTrainLoop begins that epoch anew')
        # The run may have been killed before it had removed them.
        if runner.iter > 0 and is_main_process():
            _remove(runner.work_dir, runner.message_hub.get_info(
                'surplus_checkpoints', []))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keep tensors and built-in types only, in a stock Runner too.

        What MMEngine writes itself, its log histories, torch.load refuses.
        """
        checkpoint['message_hub'] = to_plain(checkpoint['message_hub'])

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = with_histories(
                checkpoint['message_hub'])

    def after_train_iter(self, runner, **kwargs) -> None:
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        if (self.every_n_train_iters(runner, self.interval)
                or self.is_last_train_iter(runner)):
            self._save(runner, runner.iter + 1)

    def after_train_epoch(self, runner) -> None:
        """Save a whole epoch, which the loop counts after this.

        Schedules that count epochs have moved on by now.
        """
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        done, before = runner.iter, runner.iter - len(runner.train_dataloader)
        if (done // self.interval > before // self.interval
                or done == runner.max_iters):
            self._save(runner, done, epoch=runner.epoch + 1)

    def after_train(self, runner) -> None:
        """Save the last iteration of a run that was stopped early."""
        newest = runner.message_hub.get_info('kept_checkpoints', [])[-1:]
        if (runner.iter < runner.max_iters
                and newest != [f'iter_{runner.iter}.pth']):
            self._save(runner, runner.iter)

    def _save(self, runner, iteration: int, **counts: int) -> None:
        name = f'iter_{iteration}.pth'
        hub, folder = runner.message_hub, runner.work_dir
        kept = [old for old in hub.get_info('kept_checkpoints', [])
                if old != name] + [name]
        old = []
        # What was saved before a row of skipped steps stays until it ends.
        if self.max_keep_ckpts > 0 and not just_skipped(runner):
            old = kept[:-self.max_keep_ckpts]
        surplus = [one for one in old if not self._is_archived(runner, one)]
        hub.update_info('kept_checkpoints', kept[len(old):])
        hub.update_info('surplus_checkpoints', surplus)
        flush_curves(runner.visualizer)
        for hook in runner.hooks:
            if isinstance(hook, ProgressHook):
                hook.keep_means(runner, iteration)
        runner.save_checkpoint(folder, name, by_epoch=False,
                               meta={'iter': iteration, **counts})
        if not is_main_process():
            return
        with open_atomically(os.path.join(folder, 'last_checkpoint')) as file:
            file.write(name.encode())
        _remove(folder, surplus)
        runner.logger.info(f'saved {name}')

    def _is_archived(self, runner, name: str) -> bool:
        """Whether a checkpoint stays, as its number says.

        So a resumed run need not know which there are.
        """
        number = _NAME.fullmatch(str(name))
        if number is None or self.archive_interval is None:
            return False
        step = 1  # a whole epoch may pass over the very iteration
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            step = len(runner.train_dataloader)
        done = int(number[1])
        return (done // self.archive_interval
                > (done - step) // self.archive_interval)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        if self.save_best is None:
            return
        if self.save_best not in (metrics or {}):
            raise ValueError(
                f"save_best names '{self.save_best}', validation gave "
                f'{", ".join(metrics or {}) or "nothing"}.')
        value = float(metrics[self.save_best])
        if math.isnan(value):
            return  # no value would be better than NaN
        best = runner.message_hub.get_info('best_value')
        if best is None or (value < best if self.rule == 'less'
                            else value > best):
            runner.message_hub.update_info('best_value', value)
            runner.save_checkpoint(
                runner.work_dir, 'best.pth', save_optimizer=False,
                save_param_scheduler=False, by_epoch=False,
                meta={'iter': runner.iter, self.save_best: value})


def _remove(folder: str, names: list[str]) -> None:
    """Remove checkpoints; the names may come from a file of others."""
    for name in names:
        if _NAME.fullmatch(str(name)):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(folder, name))
