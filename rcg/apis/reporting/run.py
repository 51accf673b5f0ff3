"""report(): one page of a run, of all stages in a folder, or of several runs.
"""
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.registry import init_default_scope

from rcg.apis.page import Section, write_page
from rcg.apis.reporting.record import RunRecord, is_run
from rcg.apis.reporting.sections import compared, sections_of
from rcg.files import read_json


def report(work_dir: str, *, out: str | None = None,
           compare: Sequence[str] = (),
           first: Sequence[Section] = ()) -> str:
    """Write an HTML page about a run; it needs no other file.

    The run may be finished, stopped, failed or still running; what cannot be
    read is left out.

    Args:
        work_dir: Work folder of a run, or a folder of such folders, whose
            stages then stand one below the other.
        out: File to write; by default report.html in the work folder, or
            stages.html beside a report of fit().
        compare: Work folders of other runs, which are drawn on the same axes.
        first: Sections at the top of the page.

    Returns:
        The file.

    Raises:
        FileNotFoundError: A folder is not there, or no run has left
            anything in it.
    """
    init_default_scope('rcg')
    folders = [Path(os.path.expanduser(one)) for one in (work_dir, *compare)]
    runs = [stages_of(folder) for folder in folders]
    if compare:
        sections = list(compared(_named([one for found in runs
                                         for one in found])))
    elif len(runs[0]) == 1:
        sections = list(sections_of(runs[0][0]))
    else:
        sections = _of_stages(runs[0])
    title = ', '.join(folder.resolve().name for folder in folders)
    name = 'stages' if (folders[0] / 'plan.json').exists() else 'report'
    path = Path(os.path.expanduser(out)) if out else (
        folders[0] / f'{name}.html')
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(path, title, [*first, *sections])
    return str(path)


def stages_of(folder: Path) -> list[RunRecord]:
    """The run in a folder, or those in its folders, as they were begun.

    Raises:
        FileNotFoundError: There is none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no work folder '{folder}'.")
    if is_run(folder):
        return [RunRecord(folder, folder.resolve().name)]
    inside = {path.name: path for path in sorted(folder.iterdir())
              if path.is_dir() and is_run(path)}
    try:
        order = list(read_json(folder / 'stages.json'))
    except (OSError, ValueError):
        order = []
    names = [name for name in order if name in inside]
    names += [name for name in inside if name not in names]
    if not names:
        raise FileNotFoundError(
            f"No run has left anything in '{folder}', nor in the folders in "
            'it: give the work folder of a training.')
    return [RunRecord(inside[name], name) for name in names]


def _of_stages(runs: Sequence[RunRecord]) -> list[Section]:
    """A table of all stages, then each of them."""
    rows = [('stage', 'state', 'iterations', 'speed')]
    for run in runs:
        rows.append((run.name, run.state, run.iterations(), run.speed()))
    sections = [Section('Stages', table=rows)]
    for run in runs:
        sections += [Section(run.name), *sections_of(run, 3)]
    return sections


def _named(runs: list[RunRecord]) -> list[RunRecord]:
    """Runs with as much of their paths as tells them apart."""
    names = [run.name for run in runs]
    for run in runs:
        if names.count(run.name) > 1:
            run.name = '/'.join(run.folder.resolve().parts[-2:])
    return runs
