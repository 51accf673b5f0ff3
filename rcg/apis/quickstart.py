"""What came out of the quick start: summary, table, pictures."""
import json
import statistics
from pathlib import Path

from mmengine.registry import init_default_scope

from rcg.apis.figures import draw_curves, draw_samples
from rcg.apis.stages import JOBS
from rcg.checkpoint import open_atomically
from rcg.evaluation.distances import frechet_distance
from rcg.evaluation.features import shared_extractor
from rcg.evaluation.reference import Reference

# Name in summary.json -> folder of the stage, title.
MODELS = {
    'uncond': ('mage_uncond', 'unconditional MAGE'),
    'rcg': ('mage', 'RCG (MAGE on generated representations)'),
    'class_cond': ('mage_class_cond', 'class-conditional MAGE'),
    'rcg_pca': ('mage_pca', 'control: RCG, PCA of pixels as encoder'),
}
# Name in summary.json -> metric.
SCORES = {
    'fd': 'held_out/fd', 'is': 'held_out/is',
    'precision': 'held_out/precision', 'recall': 'held_out/recall',
    'near_train': 'held_out/near_train', 'fd_train': 'train/fd'
}


def report(folder: Path, roots: list[Path], elapsed: float) -> dict:
    """Write summary.json, table.md, samples.png and curves.png.

    Args:
        folder: Where to.
        roots: Work folders of runs that differ in their seed.
        elapsed: Seconds from the start of this process to now.

    Returns:
        The summary.
    """
    summary = summarize(roots)
    summary['seconds_elapsed'] = round(elapsed, 1)
    with open_atomically(folder / 'summary.json') as file:
        file.write((json.dumps(summary, indent=1) + '\n').encode())
    table = make_table(summary)
    (folder / 'table.md').write_text(table)
    draw_samples(roots[0], [
        (title, roots[0] / stage / 'images')
        for stage, title in MODELS.values()], folder / 'samples.png')
    draw_curves(roots[0], folder / 'curves.png')
    print(f'\n{table}\nwork folder: {folder.resolve()}\n'
          f'  {folder / "samples.png"}   real, reconstructed, generated\n'
          f'  {folder / "curves.png"}    training curves\n'
          f'  {folder / "summary.json"}  all numbers', flush=True)
    return summary


def summarize(roots: list[Path]) -> dict:
    """Means over runs, each model at its best sampling settings.

    Where several settings were scored, a model is reported at the one with
    the smallest mean distance to the training digits.
    """
    stages = [json.loads((root / 'stages.json').read_text())
              for root in roots]
    floors = [json.loads((root / 'tokenizer' / 'metrics.json').read_text())
              for root in roots]
    summary = dict(
        models={}, seeds=len(roots),
        tokenizer_floor=statistics.mean(
            floor['held_out/fd'] for floor in floors),
        real_train=statistics.mean(map(distance_of_real, roots)),
        seconds={name: round(statistics.mean(
            stage[name]['seconds'] for stage in stages), 2)
                 for name in stages[0]},
        # An upper bound: two stages at a time, each as large as the largest.
        peak_memory_mb=JOBS * max(
            record['peak_memory_mb'] for stage in stages
            for record in stage.values()))
    for name, (stage, _) in MODELS.items():
        files = sorted(path.name for path in (roots[0] / stage).glob(
            'metrics*.json'))
        if files:
            runs = {file: [json.loads((root / stage / file).read_text())
                           for root in roots] for file in files}
            summary['models'][name] = _at_best(runs)
    return summary


def _at_best(runs: dict[str, list[dict]]) -> dict:
    def distance(file):
        return statistics.mean(run['train/fd'] for run in runs[file])

    best = min(runs, key=distance)
    scores = {name: statistics.mean(run[key] for run in runs[best])
              for name, key in SCORES.items()}
    if len(runs[best]) > 1:
        scores['fd_std'] = statistics.stdev(
            run['held_out/fd'] for run in runs[best])
    if len(runs) > 1:
        steps, temperature = best.removesuffix('.json').split('_')[1:]
        scores['settings'] = dict(num_steps=int(steps),
                                  temperature=float(temperature))
        scores['fd_train_of_settings'] = {
            file.removesuffix('.json').removeprefix('metrics_'):
            distance(file) for file in runs}
    return scores


def distance_of_real(root: Path) -> float:
    """Distance of the training digits themselves to the held-out ones."""
    init_default_scope('rcg')
    extractor = shared_extractor(dict(
        type='ConvClassifier', checkpoint=str(root / 'classifier'),
        prefix='classifier.'))
    train, held_out = (
        Reference(dict(type='Digits', split=split), extractor).moments('cpu')
        for split in ('train', 'test'))
    return frechet_distance(*train, *held_out)


def make_table(summary: dict) -> str:
    """The summary as a Markdown table."""
    seconds = summary['seconds']
    lines = [
        '| model | FD | IS | precision | recall | near train | seconds |',
        '|---|---|---|---|---|---|---|']
    for name, scores in summary['models'].items():
        stage, title = MODELS[name]
        spread = f' ± {scores["fd_std"]:.2f}' if 'fd_std' in scores else ''
        if 'settings' in scores:
            title += (f', {scores["settings"]["num_steps"]} steps, '
                      f'temperature {scores["settings"]["temperature"]:g}')
        lines.append(
            f'| {title} | {scores["fd"]:.2f}{spread} | {scores["is"]:.2f} | '
            f'{scores["precision"]:.2f} | {scores["recall"]:.2f} | '
            f'{scores["near_train"]:.0%} | {seconds[stage]:.0f} |')
    for title, value in (
            ('tokenizer: training digits, reconstructed',
             summary['tokenizer_floor']),
            ('training digits themselves', summary['real_train'])):
        lines.append(f'| {title} | {value:.2f} | | | | | |')
    runs = summary['seeds']
    lines += [
        '',
        f'1,438 images a model, against 359 held-out digits; '
        f'{runs} seed{"s" if runs > 1 else ""}. FD and IS are in the features'
        ' of a digit classifier. Near train: share of samples nearer to a '
        'training digit than 5 % of held-out digits are.',
        'Seconds: ' + ', '.join(f'{name} {value:.0f}' for name, value
                                in seconds.items())
        + f'. Two stages run at a time; elapsed in all: '
        f'{summary["seconds_elapsed"]:.0f}. Peak memory: at most '
        f'{summary["peak_memory_mb"]} MB.', '']
    return '\n'.join(lines)
