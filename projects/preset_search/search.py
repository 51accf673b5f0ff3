"""Candidates of one stage, trained for the same time and scored alike."""
import hashlib
import os
import shutil
from pathlib import Path

from mmengine.registry import init_default_scope

from rcg.apis.fitting.choices import TEMPERATURES, round_down
from rcg.apis.fitting.costs import measure
from rcg.apis.fitting.project import FILES
from rcg.apis.json_file import write_json
from rcg.apis.stages import Stage, StageRunner
from rcg.engine.configs.variables import without_variables
from rcg.files import read_json

SWEPT = 500  # images at each temperature
# What a table shows of the scores, and the number of digits.
SHOWN = {'held_out/fd': 3, 'representation/fd': 3, 'psnr': 2,
         'color_distance': 3, 'codes_used': 0, 'temperature': 1}


def search(project: Path, stage: str, candidates: list[str], out: Path,
           length: int | float, jobs: int) -> tuple[list[dict], list[str]]:
    """Train and score all candidates.

    Args:
        project: Of tools/fit.py; the stages before ``stage`` are trained.
        stage: 'tokenizer', 'rdm', 'mage' or 'mage_uncond'.
        candidates: Lines of settings.py each.
        out: Their folder.
        length: Of each training: steps if it is an int, else seconds.
        jobs: Candidates at a time.

    Returns:
        Candidates with steps, seconds and scores, best first; what failed.

    Raises:
        FileNotFoundError: ``project`` is none.
        ValueError: A candidate cannot be trained.
    """
    if not (project / 'settings.py').exists():
        raise FileNotFoundError(
            f"'{project}' is no project of tools/fit.py: no settings.py.")
    init_default_scope('rcg')
    runner = StageRunner(out, jobs)
    rows, stages = [], []
    for text in dict.fromkeys(candidates):
        folder = out / hashlib.sha256(text.encode()).hexdigest()[:8]
        steps = _prepare(project, folder, stage, text, length,
                         runner.threads)
        rows.append(dict(candidate=text or '(as it is)', steps=steps,
                         folder=str(folder)))
        stages += commands(folder, stage)
    failed = runner.run(stages)
    for row in rows:
        folder = Path(row['folder'])
        row['seconds'] = runner.seconds().get(f'{folder.name}/train')
        row |= _scores(folder, stage)
    rows.sort(key=_first_score)
    write_json(dict(stage=stage, rows=rows), out / 'search.json')
    return rows, failed


def _first_score(row: dict) -> float:
    return next((row[name] for name in SHOWN if name in row), float('inf'))


def _prepare(project: Path, folder: Path, stage: str, text: str,
             length: int | float, threads: int) -> int:
    """Write the project of a candidate; return its number of steps.

    It shares the trained stages of the project, but for ``stage``.
    """
    about = folder / 'candidate.json'
    if about.exists():
        return read_json(about)['steps']
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(project / f'{name}.py', folder)
        link = folder / name
        if name != stage and (project / name).is_dir() and not (
                os.path.lexists(link)):
            link.symlink_to(project / name)
    base = without_variables(repr(str(project / 'settings.py')))
    lines = (f'_base_ = {base}\n'
             f"_root = '{{{{ fileDirname }}}}'\n{text}\n")
    settings = folder / 'settings.py'
    settings.write_text(lines, 'utf-8')
    # A candidate that cannot be trained is refused here, before any trains.
    cost = measure(folder / f'{stage}.py', 'cpu', threads)
    steps = length if isinstance(length, int) else max(
        20, round_down(int(length / cost.seconds)))
    settings.write_text(
        f'{lines}_steps = dict({stage}={steps})\n', 'utf-8')
    write_json(dict(candidate=text, steps=steps), about)
    return steps


def commands(folder: Path, stage: str) -> list[Stage]:
    """Training and scores of one candidate."""
    name, model = folder.name, [str(folder / f'{stage}.py'),
                                str(folder / stage)]
    trained = f'{name}/train'
    found = [Stage(trained, ['tools/train.py', model[0], '--resume'])]
    if stage.startswith('mage'):
        found.append(Stage(f'{name}/sweep', [
            'tools/sweep.py', *model, '--temperature',
            *(f'{value:g}' for value in TEMPERATURES), '--out',
            str(folder / 'sweep'), '--cfg-options',
            f'test_dataloader.dataset.num_images={SWEPT}'], (trained, )))
        return found
    found.append(Stage(f'{name}/test', [
        'tools/test.py', *model, '--out', str(folder / 'metrics.json')],
        (trained, )))
    if stage == 'tokenizer':
        found.append(Stage(f'{name}/quality', [
            'tools/measure_tokenizer.py', *model, '--out',
            str(folder / 'quality/metrics.json')], (trained, )))
    return found


def _scores(folder: Path, stage: str) -> dict:
    """What the commands wrote; nothing for what failed."""
    if stage.startswith('mage'):
        path = folder / 'sweep/sweep.json'
        if not path.exists():
            return {}
        best = min(read_json(path)['rows'],
                   key=lambda row: row['metrics']['held_out/fd'])
        return best['metrics'] | best['setting']
    found = {}
    for path in folder / 'quality/metrics.json', folder / 'metrics.json':
        if path.exists():
            found |= read_json(path)
    return found


def table(rows: list[dict]) -> str:
    """One line a candidate, best first."""
    names = [name for name in SHOWN if any(name in row for row in rows)]
    lines = [['steps', 'seconds', *names, 'candidate']]
    for row in rows:
        lines.append([f'{row["steps"]:,}', f'{row["seconds"] or 0:.0f}', *(
            f'{row[name]:.{SHOWN[name]}f}' if name in row else '-'
            for name in names), row['candidate']])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join('  '.join(
        cell.rjust(width) for cell, width in
        zip(line[:-1], widths, strict=False)) + f'  {line[-1]}'
        for line in lines)
