"""Runs that are killed at random moments and go on."""
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from .forked import Command
from .recipes import PARTS, RECIPES, Recipe
from .snapshot import differences, snapshot

LIMIT = 300.  # seconds that a run may take


def prepare(root: Path) -> None:
    """Train the parts that the recipes need, for a moment."""
    short = ['--cfg-options', 'train_cfg.max_iters=8', 'val_cfg=None',
             'val_dataloader=None', 'val_evaluator=None']
    for name in (*PARTS, 'mage'):
        log = root / f'{name}.txt'
        more = ['model.warmup_steps=4'] if name == 'tokenizer' else []
        statuses = Command(['train.py', f'configs/digits/{name}.py',
                            *short, *more], root, log).wait(LIMIT)
        if statuses != [0]:
            raise RuntimeError(f'{name} failed: {log.read_text()[-3000:]}')


def kills(name: str, root: Path, seed: int) -> Iterator[list[str]]:
    """Kill a recipe at random moments, each time until it is done.

    Args:
        name: Key of ``RECIPES``.
        root: Folder of the trained parts.
        seed: Of the moments.

    Yields:
        For each kill what differs from the uninterrupted run at the end. A
        run that is done before its moment is not counted.
    """
    recipe, rng = RECIPES[name], random.Random(f'{name} {seed}')
    folder = root / 'killed' / name
    wanted, seconds = _whole(recipe, folder / 'whole', root)
    while True:
        work_dir = folder / 'run'
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        log = folder / 'log.txt'
        log.unlink(missing_ok=True)
        count = _kill(recipe, work_dir, root, log, rng, seconds)
        if not count:
            continue
        command = Command(recipe.words(work_dir, root, True), root, log,
                          recipe.processes)
        statuses = command.wait(LIMIT)
        if any(statuses):
            command.kill()
            wrong = [f'exit {statuses}: {log.read_text()[-2000:]}']
        else:
            wrong = differences(wanted, snapshot(work_dir))
        yield from [wrong] * count


def _whole(recipe: Recipe, work_dir: Path, root: Path) -> tuple[dict, float]:
    """Run without a kill; what is left, and the seconds it took."""
    shutil.rmtree(work_dir, ignore_errors=True)
    work_dir.mkdir(parents=True)
    log = work_dir.with_suffix('.txt')
    command = Command(recipe.words(work_dir, root, False), root, log,
                      recipe.processes)
    if any(command.wait(LIMIT)):
        raise RuntimeError(log.read_text()[-3000:])
    return snapshot(work_dir), command.seconds


def _kill(recipe: Recipe, work_dir: Path, root: Path, log: Path,
          rng: random.Random, seconds: float) -> int:
    """Kill the run and the one that goes on; the number of kills."""
    count = 0
    for again in range(rng.choice((1, 1, 2))):
        command = Command(recipe.words(work_dir, root, bool(again)), root,
                          log, recipe.processes)
        moment = rng.uniform(.02, 1.) * seconds
        statuses = command.wait(moment)
        if None not in statuses:  # it was done before
            return count
        command.kill()
        command.wait(60.)
        count += 1
        time.sleep(rng.choice((0., .1, 1.)))
    return count
