"""The table and the plot of a sweep."""
from pathlib import Path

from rcg.checkpoint import open_atomically

# Results that get a panel: last part of their name, and label of the axis.
PANELS = (('fid', 'FID'), ('fd', 'FD'), ('is', 'IS'))
LABELS = dict(temperature='temperature', num_steps='steps',
              rdm_steps='RDM steps')


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
    labels = {name: label for name, label in LABELS.items()
              if name != 'rdm_steps' or name in rows[0]['setting']}
    header = ['guidance', 'guidance_scale', *labels.values(), *names]
    lines = [header]
    for row in rows:
        setting = row['setting']
        scale = setting.get('guidance_scale')
        lines.append(
            ['-' if scale is None else f'{scale - 1:g}',
             '-' if scale is None else f'{scale:g}',
             *(f'{setting[name]:g}' if name in setting else '-'
               for name in labels),
             *(f'{row["metrics"][name]:.4g}' for name in names)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ['  '.join(cell.rjust(width)
                      for cell, width in zip(line, widths, strict=True))
            for line in lines]
    return '\n'.join(text)


def plot(rows: list[dict], path: Path) -> None:
    """Plot FID (or FD) and IS against guidance on the published scale.

    Each reference has a line for each combination of the other settings. If
    guidance is the same in all, the first setting that differs is the axis.
    """
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    names, across = score_names(rows), _axis(rows)
    panels = [(label, found) for end, label in PANELS
              if (found := [n for n in names if n.rpartition('/')[2] == end])]
    figure, axes = pyplot.subplots(
        1, max(1, len(panels)), figsize=(5 * max(1, len(panels)), 4),
        squeeze=False, layout='constrained')
    for axis, (label, found) in zip(axes.flat, panels, strict=False):
        for title, points in _lines(rows, found, across).items():
            points.sort()
            axis.plot(*zip(*points, strict=True), marker='.', label=title)
        axis.set(xlabel=LABELS.get(
            across, 'guidance (published scale, 0 = off)'), ylabel=label)
        axis.grid(alpha=.3)
        axis.legend()
    with open_atomically(str(path)) as file:
        figure.savefig(file, dpi=120, format='png')
    pyplot.close(figure)


def _axis(rows: list[dict]) -> str:
    """The setting that results are plotted against."""
    for name in ('guidance_scale', *LABELS):
        if len({row['setting'].get(name) for row in rows}) > 1:
            return name
    return 'guidance_scale'


def _lines(rows: list[dict], names: list[str], across: str
           ) -> dict[str, list[tuple[float, float]]]:
    """Points (value of the setting ``across``, result), by line title."""
    lines = {}
    for row in rows:
        setting = row['setting']
        others = [f'{label} {setting[key]:g}' for key, label in
                  LABELS.items() if key in setting and key != across]
        value = (setting[across] if across in LABELS else
                 setting.get('guidance_scale', 1) - 1)
        for name in names:
            title = ', '.join([name, *others])
            lines.setdefault(title, []).append((value, row['metrics'][name]))
    return lines
