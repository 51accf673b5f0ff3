"""Results of a comparison: results.json and table.md."""
import statistics
from pathlib import Path

from rcg.apis.json_file import write_json
from rcg.apis.stages import StageRunner
from rcg.files import read_json
from rcg.projects.comparison.plan import Plan

# Metric: heading and digits of its column. Others follow as they are named.
COLUMNS = {
    'held_out/fd': ('held-out FD', '.3f'), 'train/fd': ('train FD', '.3f'),
    'held_out/is': ('IS', '.2f'), 'held_out/precision': ('precision', '.2f'),
    'held_out/recall': ('recall', '.2f'),
    'held_out/near_train': ('near train', '.1%'),
}


def report(folder: Path, roots: list[Path], plan: Plan) -> dict:
    """Write results.json and table.md, and print the table.

    Args:
        folder: Folder for them.
        roots: Work folders of the seeds that are done.
        plan: What was run in each.

    Returns:
        The results.
    """
    rows = []
    for model in plan.models:
        seconds = [StageRunner(root).seconds().get(model.run)
                   for root in roots]
        for options in plan.test_options:
            name = plan.score_name(model, options)
            rows.append(dict(
                config=model.config, weights=model.run,
                train=dict(model.options), test=dict(options),
                seconds=None if None in seconds else over_seeds(
                    [dict(train=value) for value in seconds])['train'],
                scores=over_seeds([read_json(root / f'{name}.json')
                                   for root in roots])))
    results = dict(seeds=len(roots), rows=rows)
    write_json(results, folder / 'results.json')
    table = make_table(results)
    (folder / 'table.md').write_text(table, 'utf-8')
    print(f'\n{table}\nwork folder: {folder.resolve()}', flush=True)
    return results


def over_seeds(runs: list[dict]) -> dict[str, dict]:
    """Mean, standard deviation (None of one seed) and values, by name.

    Only of what is a number in every run.
    """
    out = {}
    for name in runs[0]:
        values = [run.get(name) for run in runs]
        if all(isinstance(value, (int, float)) for value in values):
            out[name] = dict(
                mean=statistics.mean(values), values=values,
                std=statistics.stdev(values) if len(values) > 1 else None)
    return out


def make_table(results: dict) -> str:
    """The results as Markdown, a row a model and setting."""
    rows = results['rows']
    metrics = dict.fromkeys(
        name for row in rows for name in row['scores'])
    columns = {name: COLUMNS.get(name, (name, '.4g'))
               for name in [*(name for name in COLUMNS if name in metrics),
                            *(name for name in metrics
                              if name not in COLUMNS)]}
    lines = [row_of('model', 'options',
                    *(heading for heading, _ in columns.values()),
                    'training, s'),
             '|---' * (3 + len(columns)) + '|']
    for row in rows:
        cells = [spread(row['scores'][name], digits)
                 if name in row['scores'] else ''
                 for name, (_, digits) in columns.items()]
        lines.append(row_of(
            Path(row['config']).stem, _words(row), *cells,
            '' if row['seconds'] is None else spread(row['seconds'], '.0f')))
    seeds = results['seeds']
    return '\n'.join([*lines, '', f'{seeds} seed{"s" if seeds > 1 else ""}'
                      + (', mean ± standard deviation.' if seeds > 1 else '.'),
                      ''])


def _words(row: dict) -> str:
    options = [*row['train'].items(), *row['test'].items()]
    return ', '.join(f'{key.rpartition(".")[2]} {value}'
                     for key, value in options)


def row_of(*cells: str) -> str:
    """A row of a Markdown table."""
    return '| ' + ' | '.join(cells) + ' |'


def spread(value: dict, digits: str) -> str:
    """The mean ± the standard deviation, if there is one."""
    text = format(value['mean'], digits)
    if value['std'] is None:
        return text
    return f'{text} ± {format(value["std"], digits)}'
