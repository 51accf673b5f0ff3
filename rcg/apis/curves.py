"""Curves of the values that runs log."""
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from rcg.files import parse_json

# What curves may be drawn over, and the label of the axis.
AXES = dict(epoch='epochs seen', samples_seen='images seen',
            iteration='iterations')


def read_log(stage: Path) -> list[dict]:
    """Logged values of a stage, from all its runs, in order.

    A line that a kill cut off is left out.

    Args:
        stage: Its work folder.
    """
    records = []
    for file in sorted(stage.glob('*/vis_data/scalars.json')):
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                records.append(parse_json(line, dict))
    return records


def points_of(records: Sequence[dict], name: str,
              over: str = 'iteration') -> list[tuple[float, float]]:
    """The points (x, value) of a curve, ascending; of repeated steps the last.

    Args:
        records: Of :func:`read_log`.
        name: A logged value of training or validation.
        over: One of ``AXES``. Images seen are those of all processes, so that
            runs of different batch sizes lie on each other.

    Raises:
        ValueError: The run has not logged how many images it saw.
    """
    found = {r.get('iter', r.get('step')): r[name] for r in records
             if name in r}
    scale = 1.
    if over != 'iteration' and found:
        # Validations log the step alone; the ratio is the run's.
        rate = next((r[over] / r['iter'] for r in reversed(records)
                     if {over, 'samples_seen', 'iter'} <= r.keys()), None)
        if rate is None:
            raise ValueError(f"the log has no '{over}': it is of an earlier "
                             'version, or of a loop without a batch size. '
                             'Plot over iterations.')
        scale = rate
    return [(step * scale, found[step]) for step in sorted(found)]


def compare_curves(runs: Sequence[str | os.PathLike], name: str,
                   path: str | os.PathLike, over: str = 'epoch') -> list[int]:
    """Plot a logged value of several runs into one picture.

    Args:
        runs: Their work folders.
        name: The value, such as 'loss', or a metric of the validations.
        path: PNG file to write.
        over: See :func:`points_of`.

    Returns:
        The number of points of each run.

    Raises:
        ValueError: A run has not logged the value, or not the axis.
    """
    curves = [_curve_of(Path(run), name, over) for run in runs]
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    figure, axis = pyplot.subplots(figsize=(7, 4), layout='constrained')
    for run, points in zip(runs, curves, strict=True):
        axis.plot(*zip(*points, strict=True), label=str(run),
                  marker='.' if len(points) < 50 else None)
    axis.set(xlabel=AXES[over], ylabel=name)
    axis.grid(alpha=.3)
    axis.legend()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
    return [len(points) for points in curves]


def _curve_of(run: Path, name: str, over: str) -> list[tuple[float, float]]:
    """Points of a run; errors as of :func:`compare_curves`."""
    records = read_log(run)
    try:
        points = points_of(records, name, over)
    except ValueError as error:
        raise ValueError(f"'{run}': {error}") from None
    if not points:
        known = sorted({key for record in records for key in record})
        raise ValueError(
            f"'{run}' has not logged '{name}', but "
            f'{", ".join(known) or "nothing: is it a work folder?"}.')
    return points


def plot_curves(panels: Sequence[tuple[Path, str, str]], path: Path) -> None:
    """Plot a logged value of each of some stages over its iterations.

    Args:
        panels: Work folder of a stage, name of the value, label of the axis.
        path: PNG file to write.
    """
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    rows = -(-len(panels) // 3)
    figure, axes = pyplot.subplots(rows, 3, figsize=(10, 2.5 * rows),
                                   squeeze=False, layout='constrained')
    for axis in axes.flat[len(panels):]:
        axis.set_axis_off()
    for axis, (stage, name, label) in zip(axes.flat, panels, strict=False):
        points = points_of(read_log(stage), name)
        if points:
            axis.plot(*zip(*points, strict=True), marker='.')
        axis.set(title=stage.name, xlabel='iteration', ylabel=label)
        axis.grid(alpha=.3)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
