"""Results of the measurement: results.json and table.md."""
import statistics
from pathlib import Path

from rcg.apis.json_file import write_json
from rcg.files import read_json
from rcg.projects.comparison.report import over_seeds, row_of, spread
from rcg.projects.condition_noise.plan import Plan, Setting
from rcg.projects.condition_noise.predictor import predictors
from rcg.projects.quickstart.report import SCORES

# Keys of SCORES: heading and digits of a column.
_COLUMNS = {
    'fd': ('held-out FD', '.3f'), 'fd_train': ('train FD', '.3f'),
    'is': ('IS', '.2f'), 'precision': ('precision', '.2f'),
    'recall': ('recall', '.2f'), 'near_train': ('near train', '.1%')
}
_PREDICTORS = {
    'drawn': "of the RDM's representations",
    'held_out': 'of held-out images',
    'train': 'of training images, to the nearest other',
    'excess': "the RDM's beyond held-out images'",
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
    results = dict(
        seeds=len(roots),
        settings=[summarize(roots, plan, setting)
                  for setting in plan.settings],
        predictors=over_seeds([
            predictors(root / plan.settings[0].name, seed)
            for seed, root in enumerate(roots)]))
    write_json(results, folder / 'results.json')
    table = make_table(results)
    (folder / 'table.md').write_text(table, 'utf-8')
    print(f'\n{table}\nwork folder: {folder.resolve()}', flush=True)
    return results


def summarize(roots: list[Path], plan: Plan, setting: Setting) -> dict:
    """Scores of a training at its best sampling settings.

    Those have the least distance to the training digits, mean of the seeds.

    Args:
        roots: Work folders of the seeds.
        plan: What was run in each.
        setting: One of its settings.
    """
    choices = plan.sampling(setting.generator)
    runs = {ending: [_scores(root / setting.name / f'metrics{ending}.json')
                     for root in roots] for ending in choices}
    best = min(runs, key=lambda ending: statistics.mean(
        run['fd_train'] for run in runs[ending]))
    return dict(
        generator=setting.generator, steps=setting.steps,
        noise=setting.noise, sampling=choices[best],
        scores=over_seeds(runs[best]))


def _scores(path: Path) -> dict[str, float]:
    metrics = read_json(path)
    return {name: metrics[key] for name, key in SCORES.items()}


def make_table(results: dict) -> str:
    """The results as Markdown: scores, best noise, predictors."""
    headings = [heading for heading, _ in _COLUMNS.values()]
    lines = [row_of('generator', 'steps', 'noise', 'temperature', *headings),
             '|---' * (4 + len(headings)) + '|']
    for one in results['settings']:
        temperature = one['sampling'].get('temperature')
        lines.append(row_of(
            one['generator'], f'{one["steps"]:,}', f'{one["noise"]:g}',
            '' if temperature is None else f'{temperature:g}',
            *(spread(one['scores'][name], digits)
              for name, (_, digits) in _COLUMNS.items())))
    seeds = results['seeds']
    means = ', mean ± standard deviation' if seeds > 1 else ''
    lines += ['', f'{seeds} seed{"s" if seeds > 1 else ""}{means}. '
              'Temperatures: least mean FD to the training digits.', '',
              row_of('generator', 'steps', 'noise with the least held-out FD'),
              '|---|---|---|']
    lines += [row_of(generator, f'{steps:,}', f'{noise:g}')
              for (generator, steps), noise in best_noise(results).items()]
    lines += ['', row_of('distance to the nearest training representation',
                       'root mean square, a value'), '|---|---|']
    lines += [row_of(title, spread(results['predictors'][name], '.3f'))
              for name, title in _PREDICTORS.items()]
    return '\n'.join([*lines, ''])


def best_noise(results: dict) -> dict[tuple[str, int], float]:
    """Noise with the least mean held-out FD, by generator and steps."""
    best = {}
    for one in results['settings']:
        key = one['generator'], one['steps']
        distance = one['scores']['fd']['mean']
        best[key] = min(best.get(key, (distance, one['noise'])),
                        (distance, one['noise']))
    return {key: noise for key, (_, noise) in best.items()}
