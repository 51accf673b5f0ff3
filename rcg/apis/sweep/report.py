"""The table and the plot of a sweep."""
from pathlib import Path

from rcg.checkpoint import open_atomically

# Results that get a panel: last part of their name, and label of the axis.
PANELS = (('fid', 'FID'), ('fd', 'FD'), ('is', 'IS'))
LABELS = dict(temperature='temperature', num_steps='steps')


def describe(setting: dict) -> str:
    """A setting in words, with guidance on both scales."""
    words = [f'{label} {setting[name]:g}'
             for name, label in LABELS.items() if name in setting]
    scale = setting.get('guidance_scale')
    if scale is not None:
        words.insert(0, f'guidance {scale - 1:g} as published '
                        f'(guidance_scale {scale:g})')
    return ', '.join(words)


def score_names(rows: list[dict]) -> list[str]:
    """Names of the results that all settings have."""
    return sorted(set.intersection(*(set(row['metrics']) for row in rows)))


def table(rows: list[dict]) -> str:
    """One line a setting, with guidance on both scales."""
    names = score_names(rows)
    header = ['guidance', 'guidance_scale', *LABELS.values(), *names]
    lines = [header]
    for row in rows:
        setting = row['setting']
        scale = setting.get('guidance_scale')
        lines.append(
            ['-' if scale is None else f'{scale - 1:g}',
             '-' if scale is None else f'{scale:g}',
             *(f'{setting[name]:g}' if name in setting else '-'
               for name in LABELS),
             *(f'{row["metrics"][name]:.4g}' for name in names)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ['  '.join(cell.rjust(width)
                      for cell, width in zip(line, widths, strict=True))
            for line in lines]
    return '\n'.join(text)


def plot(rows: list[dict], path: Path) -> None:
    """Plot FID (or FD) and IS against guidance on the published scale.

    Each reference has a line for each combination of the other settings.
    """
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    names = score_names(rows)
    panels = [(label, found) for end, label in PANELS
              if (found := [n for n in names if n.rpartition('/')[2] == end])]
    figure, axes = pyplot.subplots(
        1, max(1, len(panels)), figsize=(5 * max(1, len(panels)), 4),
        squeeze=False, layout='constrained')
    for axis, (label, found) in zip(axes.flat, panels, strict=False):
        for title, points in _lines(rows, found).items():
            points.sort()
            axis.plot(*zip(*points, strict=True), marker='.', label=title)
        axis.set(xlabel='guidance (published scale, 0 = off)', ylabel=label)
        axis.grid(alpha=.3)
        axis.legend()
    with open_atomically(str(path)) as file:
        figure.savefig(file, dpi=120, format='png')
    pyplot.close(figure)


def _lines(rows: list[dict], names: list[str]
           ) -> dict[str, list[tuple[float, float]]]:
    """Points (guidance, result) of each line, by its title."""
    lines = {}
    for row in rows:
        setting = row['setting']
        others = [f'{label} {setting[key]:g}'
                  for key, label in LABELS.items() if key in setting]
        for name in names:
            title = ', '.join([name, *others])
            lines.setdefault(title, []).append(
                (setting.get('guidance_scale', 1) - 1, row['metrics'][name]))
    return lines
