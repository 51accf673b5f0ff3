"""Validations are not lost when a run is killed."""
import copy
import os

from mmengine.hooks import (
    EarlyStoppingHook,
    Hook,
    ParamSchedulerHook,
    RuntimeInfoHook,
)
from mmengine.runner import EpochBasedTrainLoop

from rcg.engine.console import log
from rcg.engine.validations import (
    flush_curves,
    is_due,
    is_plain,
    numbers,
    read_validations,
    write_validations,
)
from rcg.registry import HOOKS


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Runs the validation in which, or before which, a run was killed.

    A checkpoint is saved before the validation of its iteration. The result
    is noted in ``validations.json`` in the work folder, and in all later
    checkpoints. A run that goes on from a checkpoint whose validation is due
    and not noted runs it first. If it is noted, hooks that follow scores hear
    of it again.

    It works in any Runner and training loop of MMEngine.
    """

    priority = 'LOWEST'  # all hooks have seen the metrics

    _is_training = False

    def before_train(self, runner) -> None:
        hub, here = runner.message_hub, runner.iter
        saved = [one for one in hub.get_info('validations', [])
                 if one['iter'] <= here]
        noted = []
        if here > 0:
            noted = read_validations(_folder(runner), here,
                                     runner.logger.warning)
        self._records = list({one['iter']: one
                              for one in saved + noted}.values())
        self._records.sort(key=lambda one: one['iter'])
        known = {one['iter'] for one in saved}
        for record in self._records:
            self._repeat(runner, record, record['iter'] in known)
        self._keep(runner)
        self._is_training, self._before = True, _plain_info(runner)
        if here > 0 and is_due(runner) and not any(
                one['iter'] == here for one in self._records):
            log(runner, f'iteration {here} was not validated: that comes '
                        'first')
            # Where an uninterrupted run is, which has not begun the next one.
            hub.update_info('iter', here - 1)
            if isinstance(runner.train_loop, EpochBasedTrainLoop):
                hub.update_info('epoch', runner.epoch - 1)
            runner.val_loop.run()

    def _repeat(self, runner, record: dict, is_in_checkpoint: bool) -> None:
        """Tell hooks whose state a checkpoint lacks of a validation."""
        kinds = (EarlyStoppingHook, )
        if not is_in_checkpoint:
            runner.message_hub.update_info_dict(record.get('info', {}))
            kinds += ParamSchedulerHook, RuntimeInfoHook
        for hook in runner.hooks:
            if isinstance(hook, kinds):
                hook.after_val_epoch(runner, metrics=dict(record['metrics']))

    def before_val(self, runner) -> None:
        self._before = _plain_info(runner)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        """Note a validation; one outside of training belongs to no run."""
        if not self._is_training:
            return
        flush_curves(runner.visualizer)
        info = {name: value for name, value in _plain_info(runner).items()
                if name not in self._before or self._before[name] != value}
        record = dict(iter=runner.iter, metrics=numbers(metrics), info=info)
        self._records = [one for one in self._records
                         if one['iter'] != runner.iter] + [record]
        self._keep(runner)

    def _keep(self, runner) -> None:
        runner.message_hub.update_info('validations', [
            dict(iter=one['iter'], metrics=one['metrics'])
            for one in self._records])
        write_validations(runner.work_dir, self._records)

    def after_train(self, runner) -> None:
        self._is_training = False


def _plain_info(runner) -> dict:
    """What the message hub knows and JSON can hold, but the validations."""
    return {name: copy.deepcopy(value)
            for name, value in runner.message_hub.runtime_info.items()
            if name != 'validations' and is_plain(value)}


def _folder(runner) -> str:
    """Where the run goes on from."""
    place = runner._load_from
    if place is None:
        return runner.work_dir
    place = os.path.expanduser(place)
    return place if os.path.isdir(place) else os.path.dirname(place)
