"""Curves of the values that runs log."""
import json
from collections.abc import Sequence
from pathlib import Path


def read_log(stage: Path) -> list[dict]:
    """Logged values of a stage, from all its runs, in order.

    Args:
        stage: Its work folder.
    """
    records = []
    for file in sorted(stage.glob('*/vis_data/scalars.json')):
        records += [json.loads(line) for line in
                    file.read_text('utf-8').splitlines()]
    return records


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
        points = [(r.get('iter', r.get('step')), r[name])
                  for r in read_log(stage) if name in r]
        if points:
            axis.plot(*zip(*points, strict=True), marker='.')
        axis.set(title=stage.name, xlabel='iteration', ylabel=label)
        axis.grid(alpha=.3)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
