"""Room for the checkpoints of a run, looked for before training."""
import os

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook

from rcg.engine.disk_space import (
    free_bytes,
    in_gb,
    num_bytes,
    optimizer_bytes,
)
from rcg.engine.optim import single_wrappers
from rcg.engine.unwrapping import bare_model, is_sharded
from rcg.registry import HOOKS


@HOOKS.register_module()
class DiskSpaceHook(Hook):
    """Compares what the checkpoints of a run will take with the free space.

    The newest checkpoints are kept while another one is written:
    ``max_keep_ckpts + 1`` at most, those that ``archive_interval`` keeps for
    good, and two of ``best.pth``. Those that are there already are not counted
    again. Pictures, logs and event files are
    not counted: a line, a curve's point or a small picture at intervals.

    If they will not all fit, there is a warning: files may be moved away
    meanwhile. Training is refused if there is no room for two checkpoints,
    one that is kept and one that is written. With FSDP nothing is looked at.

    Raises:
        ValueError: There is no room for two checkpoints.
    """

    priority = 'VERY_LOW'  # averages and caches are made

    def before_train(self, runner) -> None:
        """Look at the work folder of the main process, for all."""
        found = [None, None]
        if is_main_process():
            found = list(self._look(runner))
        broadcast_object_list(found)
        error, warning = found
        if error:
            raise ValueError(error)
        if warning:
            runner.logger.warning(warning)

    def _look(self, runner) -> tuple[str | None, str | None]:
        """An error and a warning, if there is cause for them."""
        savers = [hook for hook in runner.hooks
                  if hasattr(hook, 'max_keep_ckpts')]
        free = free_bytes(runner.work_dir)
        # To ask one process for the weights of all would wait for ever.
        if not savers or free is None or is_sharded(runner.model):
            return None, None
        weights, whole = _sizes(runner)
        there = _bytes_there(savers[0], runner)
        count = count_checkpoints(savers[0], runner)
        needed = max(count * whole - there, 0)
        if getattr(savers[0], 'save_best', None):
            needed += 2 * weights
        text = (f'{in_gb(needed)} for checkpoints of {in_gb(whole)} each, and '
                f"there are {in_gb(free)} free in '{runner.work_dir}'")
        runner.logger.info(f'this run needs {text}')
        remedy = ('. Make room, or name another folder (--work-dir), or keep '
                  'fewer: default_hooks.checkpoint.max_keep_ckpts and '
                  'archive_interval')
        if free < min(count, 2) * whole - there:
            return f'this run needs {text}: not enough for two{remedy}', None
        if free < needed:
            return None, f'this run will need {text}{remedy}'
        return None, None


def _sizes(runner) -> tuple[int, int]:
    """Bytes of weights with averages, and of a whole checkpoint."""
    weights = num_bytes(dict(bare_model(runner).state_dict()))
    for hook in runner.hooks:
        average = getattr(hook, 'ema_model', None)
        if average is not None:
            weights += num_bytes(dict(average.state_dict()))
    wrappers = single_wrappers(runner.optim_wrapper).values()
    return weights, weights + sum(optimizer_bytes(wrapper.optimizer)
                                  for wrapper in wrappers)


def count_checkpoints(saver: Hook, runner) -> int:
    """How many checkpoints there are at most at one time.

    Args:
        saver: The hook that writes them.
        runner: Its ``max_iters`` and ``max_epochs`` count.
    """
    length, interval = runner.max_iters, saver.interval
    if getattr(saver, 'by_epoch', False):
        length = runner.max_epochs
    total = -(-length // interval) if interval > 0 else 1
    if saver.max_keep_ckpts > 0:
        total = min(total, saver.max_keep_ckpts + 1
                    + len(_archived(saver, length)))
    return total


def _archived(saver: Hook, iterations: int) -> list[str]:
    """Names of the checkpoints of so many iterations that stay for good."""
    every = getattr(saver, 'archive_interval', None)
    return [f'iter_{number}.pth' for number in
            range(every, iterations + 1, every)] if every else []


def _bytes_there(saver: Hook, runner) -> int:
    """Bytes of the checkpoints that a resumed run has kept."""
    names = {*runner.message_hub.get_info('kept_checkpoints', []),
             *_archived(saver, runner.iter)}
    paths = [os.path.join(runner.work_dir, name) for name in names]
    return sum(os.path.getsize(path) for path in paths
               if os.path.isfile(path))
