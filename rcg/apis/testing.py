"""Scores of a checkpoint."""
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from rcg.apis.json_file import write_json
from rcg.apis.run_config import config_of_test
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.evaluation.protocol import describe_test
from rcg.registry import RUNNERS


def test(config: Config | dict | str, checkpoint: str, *,
         out: str | None = None, save_images: str | None = None,
         restart: bool = False, save_every: float = 60.,
         work_dir: str | None = None, options: list[str] | dict | None = None,
         launcher: str = 'none') -> dict | None:
    """Compute the metrics of a checkpoint.

    They are the same on any number of processes. When an interrupted call is
    repeated, it goes on: finished batches are kept below the work folder.

    Args:
        config: A config, a dict like one, or the path of one.
        checkpoint: File, or work folder (its newest checkpoint).
        out: JSON file for the result.
        save_images: Folder for the images.
        restart: Begin anew, not where an interrupted call was.
        save_every: Seconds from one note of finished batches to the next.
        work_dir: Folder of logs; default: the config's, else work_dirs/<name>.
        options: Changes of the config by dotted key.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        Scores by name, and 'protocol': how they were computed. None on all
        processes but the first.

    Raises:
        ValueError: The config does not say what to compute.
        CheckpointError: The checkpoint is not of this config's model.
    """
    runner = RUNNERS.build(config_of_test(config, work_dir, options, launcher))
    state = ResumableTestHook(save_every, restart)
    runner.register_hook(state)
    if save_images:
        runner.register_hook(SaveImagesHook(save_images))
    runner.load_checkpoint(checkpoint, strict=True)
    metrics = _score(runner, state)
    if out and metrics is not None:
        write_json(metrics, out)
    state.clear()
    return metrics


def _score(runner: Runner, state: ResumableTestHook) -> dict | None:
    """Scores and protocol; None on all processes but the first."""
    scores = scalars(runner.test())
    if not is_main_process():
        return None
    protocol = describe_test(runner, state.generated, state.spent)
    return scores | dict(protocol=protocol)


def scalars(scores: dict) -> dict[str, float]:
    """The numbers among the results of a test, sorted by name."""
    return {name: value for name, value in sorted(scores.items())
            if isinstance(value, (int, float))}
