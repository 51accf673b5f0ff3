"""Results of the quick start: summary, table, plots."""
import json
import statistics
from pathlib import Path

from mmengine.registry import init_default_scope

from rcg.apis import report as write_page
from rcg.apis.page import Section
from rcg.apis.stages import JOBS
from rcg.checkpoint import open_atomically
from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.references.dataset_reference import DatasetReference
from rcg.files import read_json
from rcg.projects.quickstart.plan import Plan
from rcg.projects.quickstart.plots import plot_samples, plot_stages

# Name in summary.json -> metric.
SCORES = {
    'fd': 'held_out/fd', 'is': 'held_out/is',
    'precision': 'held_out/precision', 'recall': 'held_out/recall',
    'near_train': 'held_out/near_train', 'fd_train': 'train/fd'
}


def report(folder: Path, roots: list[Path], plan: Plan,
           elapsed: float) -> dict:
    """Write summary.json, table.md, samples.png, curves.png, report.html.

    Args:
        folder: Folder for them.
        roots: Work folders of the runs, which differ in their seed.
        plan: What was run.
        elapsed: Seconds since this process was started.

    Returns:
        The summary.
    """
    summary = summarize(roots, plan)
    summary['seconds_elapsed'] = round(elapsed, 1)
    with open_atomically(folder / 'summary.json') as file:
        file.write((json.dumps(summary, indent=1) + '\n').encode())
    table = make_table(summary, plan)
    (folder / 'table.md').write_text(table, 'utf-8')
    plot_samples(roots[0], plan, folder / 'samples.png')
    plot_stages(roots[0], plan, folder / 'curves.png')
    page = write_page(str(roots[0]), out=str(folder / 'report.html'),
                      first=[_results(table, folder)])
    print(f'\n{table}\nwork folder: {folder.resolve()}\n'
          f'  {folder / "samples.png"}   real, reconstructed, generated\n'
          f'  {folder / "curves.png"}    training curves\n'
          f'  {folder / "summary.json"}  all numbers\n'
          f'  {page}   a page of all this, and of each stage',
          flush=True)
    return summary


def _results(table: str, folder: Path) -> Section:
    """The table and the samples, for the top of the page."""
    lines = table.splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in lines if line.startswith('|')]
    return Section(
        'Results', [line for line in lines if line and line[0] != '|'],
        folder / 'samples.png',
        table=[row for row in rows if set(row) != {'---'}])


def summarize(roots: list[Path], plan: Plan) -> dict:
    """Means over runs: scores of models, FD of tokenizers, seconds.

    Args:
        roots: Work folders of the runs.
        plan: What was run.
    """
    def scores(stage: str, ending: str = '') -> list[dict]:
        return [read_json(root / stage / f'metrics{ending}.json')
                for root in roots]

    records = [read_json(root / 'stages.json') for root in roots]
    return dict(
        models={stage: at_best({ending: scores(stage, ending) for ending in
                                plan.settings(stage)}, plan.settings(stage))
                for stage in plan.models},
        seeds=len(roots),
        tokenizers={stage: statistics.mean(
            run['held_out/fd'] for run in scores(stage))
                    for stage in plan.tokenizers},
        real_train=statistics.mean(map(distance_of_real, roots)),
        seconds={name: round(statistics.mean(
            record[name]['seconds'] for record in records), 2)
                 for name, *_ in plan.commands(0)},
        # An upper bound: as if all stages were as large as the largest.
        peak_memory_mb=JOBS * max(
            stage['peak_memory_mb'] for record in records
            for stage in record.values()))


def at_best(runs: dict[str, list[dict]],
            settings: dict[str, dict[str, float]]) -> dict:
    """Mean scores at the best settings.

    Those are the settings with the least mean distance to the training
    digits.

    Args:
        runs: Metrics of every seed, by the name of the settings.
        settings: Settings by their name.
    """
    distances = {name: statistics.mean(run['train/fd'] for run in runs[name])
                 for name in runs}
    best = min(distances, key=distances.get)
    scores = {name: statistics.mean(run[key] for run in runs[best])
              for name, key in SCORES.items()}
    if len(runs[best]) > 1:
        scores['fd_std'] = statistics.stdev(
            run['held_out/fd'] for run in runs[best])
    if len(runs) > 1:
        scores['settings'] = settings[best]
        scores['fd_train_of_settings'] = {
            name.removeprefix('_'): value
            for name, value in distances.items()}
    return scores


def distance_of_real(root: Path) -> float:
    """Distance of the training digits to the held-out ones.

    Args:
        root: Work folder with the classifier.
    """
    init_default_scope('rcg')
    extractor = shared_extractor(dict(
        type='ConvClassifier', checkpoint=str(root / 'classifier'),
        prefix='classifier.'))
    train, held_out = (
        DatasetReference(dict(type='Digits', split=split),
                         extractor).moments('cpu')
        for split in ('train', 'test'))
    return frechet_distance(*train, *held_out)


def make_table(summary: dict, plan: Plan) -> str:
    """The summary as a Markdown table."""
    seconds = summary['seconds']
    lines = [
        '| model | FD | IS | precision | recall | near train | seconds |',
        '|---|---|---|---|---|---|---|']
    for stage, scores in summary['models'].items():
        spread = f' ± {scores["fd_std"]:.2f}' if 'fd_std' in scores else ''
        title = ', '.join([plan.models[stage], *(
            f'{name} {value:g}' for name, value in
            scores.get('settings', {}).items())])
        lines.append(
            f'| {title} | {scores["fd"]:.2f}{spread} | {scores["is"]:.2f} | '
            f'{scores["precision"]:.2f} | {scores["recall"]:.2f} | '
            f'{scores["near_train"]:.0%} | {seconds[stage]:.0f} |')
    floors = {f'{plan.tokenizers[stage]}: training digits, reconstructed': fd
              for stage, fd in summary['tokenizers'].items()}
    floors['training digits themselves'] = summary['real_train']
    lines += [f'| {title} | {fd:.2f} | | | | | |'
              for title, fd in floors.items()]
    runs = summary['seeds']
    lines += [
        '', f'1,438 images a model, against 359 held-out digits; '
        f'{runs} seed{"s" if runs > 1 else ""}. FD and IS are in the features'
        ' of a digit classifier. Near train: share of samples nearer to a '
        'training digit than 5 % of held-out digits are.',
        'Seconds: ' + ', '.join(f'{name} {value:.0f}' for name, value
                                in seconds.items())
        + f'. Two stages run at a time; elapsed in all: '
        f'{summary["seconds_elapsed"]:.0f}. Peak memory: at most '
        f'{summary["peak_memory_mb"]} MB.', '']
    return '\n'.join(lines)
