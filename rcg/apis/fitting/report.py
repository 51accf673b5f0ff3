"""What fit() leaves: summary.json, pictures, report.html."""
import shlex
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.apis.charts import Chart
from rcg.apis.curves import points_of, read_log
from rcg.apis.fitting.choices import TEMPERATURES
from rcg.apis.fitting.look import Look
from rcg.apis.fitting.plan import EXAMPLES, Plan
from rcg.apis.grid import labelled_grid
from rcg.apis.json_file import write_json
from rcg.apis.page import Section, write_page
from rcg.apis.stages import StageRunner
from rcg.engine import load_config
from rcg.files import read_json
from rcg.registry import DATASETS

SHOWN, ROW = 64, 16  # images of the data, images of a row
KEY = 'held_out/fd'  # what temperatures are chosen by
CHANCE = .03  # about how much of it depends on which samples were drawn
INFINITY = 'held_out/fd_infinity'  # not there with too few images
# Logged value of a stage, and what it is called; of the others, the loss.
CURVES = dict(tokenizer=('psnr', 'PSNR in dB'))
LOSS = 'loss', 'loss'
# What is compared, by the end of its name: in the summary, in words.
COMPARED = dict(uncond=('unconditional', 'An unconditional generator'),
                class_cond=('class_cond', 'A generator by class'))


def best_temperature(sweep: Path) -> float:
    """The temperature of a sweep with the least held-out FD.

    Of those that are as good but for chance it is the lowest, whose images
    have fewer stray tokens.

    Args:
        sweep: Its ``sweep.json``.
    """
    rows = _rows(sweep)
    least = min(row['metrics'][KEY] for row in rows)
    return min(row['setting']['temperature'] for row in rows
               if row['metrics'][KEY] <= least * (1 + CHANCE))


def _rows(sweep: Path) -> list[dict]:
    """The settings of a sweep that fit() asked for."""
    return [row for row in read_json(sweep)['rows']
            if row['setting'].get('temperature') in TEMPERATURES]


def write_report(plan: Plan, root: Path, seen: Look, runner: StageRunner,
                 temperatures: dict[str, float], elapsed: float) -> dict:
    """Write summary.json, the pictures in report/, and report.html.

    Args:
        plan: What was done.
        root: Folder of the project.
        seen: What is in the folder of images.
        runner: It holds seconds and memory of the stages.
        temperatures: The chosen one, by generator.
        elapsed: Seconds of this call.

    Returns:
        The summary.
    """
    summary = _summary(plan, root, seen, runner, temperatures)
    summary['seconds_elapsed'] = round(elapsed, 1)
    write_json(summary, root / 'summary.json')
    pictures = root / 'report'
    pictures.mkdir(exist_ok=True)
    _draw(plan, root, pictures)
    write_page(root / 'report.html', f'RCG on {Path(plan.folder).name}',
               _sections(plan, root, seen, runner, summary))
    lost = ('' if 'tokenizer' not in summary else ', of reconstructions '
            f'{summary["fd_reconstructed"]:.3f}')
    print(f'\nheld-out FD {summary["fd"]:.3f}{lost}, of training images '
          f'{summary["fd_real"]:.3f}, near train '
          f'{summary["near_train"]:.0%}\n  {root / "report.html"}\n'
          f'  {root / "samples"}\n  {root / "summary.json"}', flush=True)
    return summary


def _summary(plan: Plan, root: Path, seen: Look, runner: StageRunner,
             temperatures: dict[str, float | None]) -> dict:
    scores = {name: read_json(root / name / 'metrics.json')
              for name in temperatures}
    own = scores[plan.generator]
    summary = dict(
        fd=own[KEY], fd_real=own[f'{KEY}_real'],
        fd_train=own['train/fd'], near_train=own['held_out/near_train'],
        images=seen.count, size=plan.size, preset=plan.preset,
        generator=plan.generator, device=plan.device,
        steps=plan.values['_steps'],
        color_distance=own['held_out/color_distance'],
        color_distance_real=own['held_out/color_distance_real'],
        seconds=runner.seconds(), peak_memory_mb=runner.peak_memory_mb())
    if plan.kind.temperatures:
        rows = _rows(root / plan.generator / 'sweep/sweep.json')
        summary |= dict(
            temperature=temperatures[plan.generator], fd_of_temperatures={
                f'{row["setting"]["temperature"]:g}': row['metrics'][KEY]
                for row in rows})
    if INFINITY in own:
        summary |= dict(fd_infinity=own[INFINITY],
                        fd_infinity_real=own[f'{INFINITY}_real'])
    for name in plan.compared:
        short, _ = COMPARED[name.removeprefix(f'{plan.generator}_')]
        summary[f'fd_{short}'] = scores[name][KEY]
        if temperatures[name] is not None:
            summary[f'temperature_{short}'] = temperatures[name]
        if INFINITY in scores[name]:
            summary[f'fd_infinity_{short}'] = scores[name][INFINITY]
    if plan.kind.has_tokenizer:
        summary |= _of_tokenizer(root / 'tokenizer')
    return summary


def _of_tokenizer(folder: Path) -> dict:
    scores = read_json(folder / 'metrics.json')
    quality = read_json(folder / 'quality/metrics.json')
    found = dict(
        fd_reconstructed=scores[KEY], verdict=quality['verdict'],
        tokenizer={name: value for name, value in quality.items()
                   if isinstance(value, (int, float))})
    if INFINITY in scores:
        found['fd_infinity_reconstructed'] = scores[INFINITY]
    return found


def _draw(plan: Plan, root: Path, pictures: Path) -> None:
    """Draw data.png and, if there are temperatures, temperatures.png."""
    dataset = DATASETS.build(dict(
        load_config(str(root / 'parts.py'))._images, num_images=SHOWN))
    images = [dataset[i]['images'] for i in range(len(dataset))]
    labelled_grid([('', images[i:i + ROW]) for i in
                   range(0, len(images), ROW)]).save(pictures / 'data.png')
    if plan.kind.temperatures:
        labelled_grid([
            (f'temperature {value:g}',
             _read_all(root / f'temperatures/{value:g}', EXAMPLES))
            for value in plan.kind.temperatures]).save(
                pictures / 'temperatures.png')


def _charts(plan: Plan, root: Path) -> list[Chart]:
    """A curve of each stage, over iterations."""
    return [Chart(f'{name}: {label}',
                  {'': points_of(read_log(root / name), value)})
            for name in plan.trained
            for value, label in [CURVES.get(name, LOSS)]]


def _read_all(folder: Path, count: int) -> list[Tensor]:
    """The first numbered images of a folder, (3, H, W) each."""
    return [torch.tensor(np.asarray(Image.open(file))).permute(2, 0, 1)
            for file in sorted(folder.glob('[0-9]*.png'))[:count]]


def _newest(folder: Path) -> Path | None:
    return max(folder.glob('iter_*.png'), default=None,
               key=lambda file: file.stat().st_mtime)


def _sections(plan: Plan, root: Path, seen: Look, runner: StageRunner,
              summary: dict) -> list[Section]:
    pictures = root / 'report'
    return [
        Section('Samples', _about_scores(summary), root / 'samples/grid.png'),
        Section('The images as the model sees them', seen.sentences,
                pictures / 'data.png'),
        *_about_tokenizer(root, summary),
        *_by_temperature(pictures, summary),
        Section('Samples beside the nearest training images', [
            'The closest pairs of all, samples left.'],
            _newest(root / plan.generator / 'NearestTrain')),
        *_by_class(root, summary),
        Section('Training', table=_stages(summary),
                charts=_charts(plan, root),
                folded=[('The plan', '\n'.join(plan.estimates))]),
        Section('The commands', [
            'The configs stand beside this page; settings.py holds the '
            'numbers.'], code=[
                'python ' + shlex.join(record['command'])
                for record in runner.records.values()]),
    ]


def _stages(summary: dict) -> list[list[str]]:
    """Steps and seconds of each stage, as rows of a table."""
    steps = summary['steps']
    return [['stage', 'steps', 'seconds']] + [
        [name, f'{steps[name]:,}' if name in steps else '', f'{seconds:,.0f}']
        for name, seconds in summary['seconds'].items()]


def _about_tokenizer(root: Path, summary: dict) -> list[Section]:
    if 'tokenizer' not in summary:
        return []
    return [Section('What the tokenizer makes of held-out images', [
        'Above the image, below its reconstruction. What is lost here no '
        'generator can draw.', *summary['verdict']],
        root / 'tokenizer/quality/grid.png')]


def _by_temperature(pictures: Path, summary: dict) -> list[Section]:
    if 'temperature' not in summary:
        return []
    rates = ', '.join(f'{value}: {fd:.3f}' for value, fd in
                      summary['fd_of_temperatures'].items())
    return [Section('Samples by temperature', [
        f'Chosen: {summary["temperature"]:g}, the lowest whose FD is within '
        f'{CHANCE:.0%} of the least. FD of fewer samples than in the scores: '
        f'{rates}. Low: alike and clean; high: varied and rough.'],
        pictures / 'temperatures.png')]


def _by_class(root: Path, summary: dict) -> list[Section]:
    if 'fd_class_cond' not in summary:
        return []
    return [Section('Samples by class', [
        'Of the generator by class, a row each.'],
        root / 'by_class/grid.png')]


def _about_scores(summary: dict) -> list[str]:
    """What the scores are, in sentences."""
    lost = summary.get('tokenizer', {}).get('color_distance')
    scores = ['Frechet distances (FD) are in the space of the encoder of this '
              'project, to the held-out images; they compare models of this '
              'project only.',
              f'Samples: {summary["fd"]:.3f}. The training images themselves: '
              f'{summary["fd_real"]:.3f}; it is not 0, since the held-out '
              'images are few, and no generator can be far below it.'
              + ('' if 'tokenizer' not in summary else
                 ' Training images after the tokenizer: '
                 f'{summary["fd_reconstructed"]:.3f}.')]
    scores += [f'{words} after as many steps: {summary[f"fd_{short}"]:.3f}.'
               for short, words in COMPARED.values()
               if f'fd_{short}' in summary]
    scores += _without_the_bias(summary)
    scores.append(
        f'{summary["near_train"]:.0%} of the samples are nearer to a training '
        'image than 5 % of the held-out images are; far above 5 % means '
        'copies.')
    scores.append(
        f'{summary["color_distance"]:.0%} of the pixels of the samples would '
        'have to change their color to have the colors of held-out images, '
        f'{summary["color_distance_real"]:.0%} of those of training images'
        + (f', {lost:.0%} of those of reconstructions.' if lost is not None
           else '.'))
    return scores


def _without_the_bias(summary: dict) -> list[str]:
    """The distances, extrapolated to any number of held-out images."""
    if 'fd_infinity' not in summary:
        return []
    names = {'': 'samples', '_real': 'training images', '_reconstructed':
             'training images after the tokenizer'}
    names |= {f'_{short}': words.lower()
              for short, words in COMPARED.values()}
    return ['Without what so few held-out images add to each of them '
            '(extrapolated to infinitely many, arXiv:1911.07023): '
            + ', '.join(f'{words} {summary[f"fd_infinity{name}"]:.3f}'
                        for name, words in names.items()
                        if f'fd_infinity{name}' in summary) + '.']
