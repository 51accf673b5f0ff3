"""Scores of a checkpoint."""
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from rcg.apis.json_file import write_json
from rcg.apis.run_config import (
    checkpoint_for,
    config_of_test,
    set_deterministic,
)
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.evaluation.protocol import describe_test
from rcg.registry import RUNNERS


def test(config: Config | dict | str, checkpoint: str | None = None, *,
         out: str | None = None, save_images: str | None = None,
         restart: bool = False, save_every: float = 60.,
         deterministic: bool = False, work_dir: str | None = None,
         launcher: str = 'none',
         options: list[str] | dict | None = None) -> dict | None:
    """Compute the metrics of a checkpoint.

    They are the same on any number of processes; an interrupted call goes on.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder; None: that is what ``config`` is.
        out: JSON file for the result.
        save_images: Folder for the images.
        restart: Begin anew, not where an interrupted call was.
        save_every: Seconds from one note of finished batches to the next.
        deterministic: As for :func:`~rcg.apis.train`.
        work_dir: Of logs and finished batches; default: the config's.
        options: Changes of the config by dotted key.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        Scores and their 'protocol'; None on all but one process.

    Raises:
        ValueError: The config computes nothing, or there is no checkpoint.
        CheckpointError: The checkpoint is not of this config's model.
    """
    checkpoint = checkpoint_for(config, checkpoint)
    runner = RUNNERS.build(set_deterministic(
        config_of_test(config, work_dir, options, launcher), deterministic))
    state = ResumableTestHook(save_every, restart)
    runner.register_hook(state)
    if save_images:
        runner.register_hook(SaveImagesHook(save_images))
    runner.load_checkpoint(checkpoint, strict=True)
    metrics = _score(runner, state, out)
    state.clear()
    return metrics


def _score(runner: Runner, state: ResumableTestHook,
           out: str | None) -> dict | None:
    """Scores and protocol, also written; None on all but one process."""
    scores = scalars(runner.test())
    if not is_main_process():
        return None
    protocol = describe_test(runner, state.generated, state.spent)
    metrics = scores | dict(protocol=protocol)
    if out:
        write_json(metrics, out)
    return metrics


def scalars(scores: dict) -> dict[str, float]:
    """The numbers among the results of a test, sorted by name."""
    return {name: value for name, value in sorted(scores.items())
            if isinstance(value, (int, float))}
