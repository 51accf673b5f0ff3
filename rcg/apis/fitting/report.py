"""What fit() leaves: summary.json, pictures, report.html."""
import shlex
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.apis.charts import Chart
from rcg.apis.curves import points_of, read_log
from rcg.apis.fitting.look import Look
from rcg.apis.fitting.plan import EXAMPLES, TEMPERATURES, Plan
from rcg.apis.grid import labelled_grid
from rcg.apis.json_file import write_json
from rcg.apis.page import Section, write_page
from rcg.apis.stages import StageRunner
from rcg.engine import load_config
from rcg.files import read_json
from rcg.registry import DATASETS

SHOWN, ROW = 64, 16  # images of the data, images of a row
KEY = 'held_out/fd'  # what temperatures are chosen by
INFINITY = 'held_out/fd_infinity'  # not there with too few images
# Logged value of a stage, and what it is called.
CURVES = dict(encoder=('loss', 'loss'), tokenizer=('psnr', 'PSNR in dB'),
              rdm=('loss', 'loss'), mage=('loss', 'loss'),
              mage_uncond=('loss', 'loss'), mage_class_cond=('loss', 'loss'))
# What is compared with MAGE: name in the summary, name in words.
COMPARED = dict(mage_uncond=('unconditional', 'An unconditional generator'),
                mage_class_cond=('class_cond', 'A generator by class'))


def best_temperature(sweep: Path) -> float:
    """The temperature of a sweep with the least held-out FD.

    Args:
        sweep: Its ``sweep.json``.
    """
    best = min(_rows(sweep), key=lambda row: row['metrics'][KEY])
    return best['setting']['temperature']


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
    print(f'\nheld-out FD {summary["fd"]:.3f}, of reconstructions '
          f'{summary["fd_reconstructed"]:.3f}, of training images '
          f'{summary["fd_real"]:.3f}, near train '
          f'{summary["near_train"]:.0%}\n  {root / "report.html"}\n'
          f'  {root / "samples"}\n  {root / "summary.json"}', flush=True)
    return summary


def _summary(plan: Plan, root: Path, seen: Look, runner: StageRunner,
             temperatures: dict[str, float]) -> dict:
    scores = {name: read_json(root / name / 'metrics.json')
              for name in ('tokenizer', *temperatures)}
    mage = scores['mage']
    quality = read_json(root / 'tokenizer/quality/metrics.json')
    summary = dict(
        fd=mage[KEY], fd_real=mage[f'{KEY}_real'],
        fd_reconstructed=scores['tokenizer'][KEY],
        fd_train=mage['train/fd'], near_train=mage['held_out/near_train'],
        images=seen.count, size=plan.size, preset=plan.preset,
        device=plan.device, temperature=temperatures['mage'],
        fd_of_temperatures={
            f'{row["setting"]["temperature"]:g}': row['metrics'][KEY]
            for row in _rows(root / 'mage/sweep/sweep.json')},
        steps=plan.values['_steps'],
        tokenizer={name: value for name, value in quality.items()
                   if isinstance(value, (int, float))},
        verdict=quality['verdict'],
        color_distance=mage['held_out/color_distance'],
        color_distance_real=mage['held_out/color_distance_real'],
        seconds=runner.seconds(), peak_memory_mb=runner.peak_memory_mb())
    for name in plan.compared:
        short, _ = COMPARED[name]
        summary[f'fd_{short}'] = scores[name][KEY]
        summary[f'temperature_{short}'] = temperatures[name]
    if INFINITY in mage and INFINITY in scores['tokenizer']:
        summary |= dict(
            fd_infinity=mage[INFINITY],
            fd_infinity_real=mage[f'{INFINITY}_real'],
            fd_infinity_reconstructed=scores['tokenizer'][INFINITY])
        summary |= {f'fd_infinity_{COMPARED[name][0]}': scores[name][INFINITY]
                    for name in plan.compared}
    return summary


def _draw(plan: Plan, root: Path, pictures: Path) -> None:
    """Draw data.png and temperatures.png."""
    dataset = DATASETS.build(dict(
        load_config(str(root / 'parts.py'))._images, num_images=SHOWN))
    images = [dataset[i]['images'] for i in range(len(dataset))]
    labelled_grid([('', images[i:i + ROW]) for i in
                   range(0, len(images), ROW)]).save(pictures / 'data.png')
    labelled_grid([
        (f'temperature {value:g}',
         _read_all(root / f'temperatures/{value:g}', EXAMPLES))
        for value in TEMPERATURES]).save(pictures / 'temperatures.png')


def _charts(plan: Plan, root: Path) -> list[Chart]:
    """A curve of each stage, over iterations."""
    return [Chart(f'{name}: {label}',
                  {'': points_of(read_log(root / name), value)})
            for name in plan.trained for value, label in [CURVES[name]]]


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
    rates = ', '.join(f'{value}: {fd:.3f}' for value, fd in
                      summary['fd_of_temperatures'].items())
    return [
        Section('Samples', _about_scores(summary), root / 'samples/grid.png'),
        Section('The images as the model sees them', seen.sentences,
                pictures / 'data.png'),
        Section('What the tokenizer makes of held-out images', [
            'Above the image, below its reconstruction. What is lost here no '
            'generator can draw.', *summary['verdict']],
            root / 'tokenizer/quality/grid.png'),
        Section('Samples by temperature', [
            f'Chosen: {summary["temperature"]:g}, by FD of fewer samples: '
            f'{rates}. Low: alike and clean; high: varied and rough.'],
            pictures / 'temperatures.png'),
        Section('Samples beside the nearest training images', [
            'The closest pairs of all, samples left.'],
            _newest(root / 'mage/NearestTrain')),
        *_by_class(root, summary),
        Section('Training', [f'{name}: {seconds:.0f} s' for name, seconds in
                             summary['seconds'].items()],
                charts=_charts(plan, root)),
        Section('The commands', [
            'The configs stand beside this page; settings.py holds the '
            'numbers.'], code=[
                'python ' + shlex.join(record['command'])
                for record in runner.records.values()]),
    ]


def _by_class(root: Path, summary: dict) -> list[Section]:
    if 'fd_class_cond' not in summary:
        return []
    return [Section('Samples by class', [
        'Of the generator by class, a row each.'],
        root / 'by_class/grid.png')]


def _about_scores(summary: dict) -> list[str]:
    """What the scores are, in sentences."""
    lost = summary['tokenizer'].get('color_distance')
    scores = ['Frechet distances (FD) are in the space of the encoder of this '
              'project, to the held-out images; they compare projects of the '
              'same folder and size only.',
              f'Samples: {summary["fd"]:.3f}. The training images themselves: '
              f'{summary["fd_real"]:.3f}; it is not 0, since the held-out '
              'images are few, and no generator can be far below it. Training '
              'images after the tokenizer: '
              f'{summary["fd_reconstructed"]:.3f}.']
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
    names |= {f'_{short}': words.lower() for short, words in COMPARED.values()
              if f'fd_infinity_{short}' in summary}
    return ['Without what so few held-out images add to each of them '
            '(extrapolated to infinitely many, arXiv:1911.07023): '
            + ', '.join(f'{words} {summary[f"fd_infinity{name}"]:.3f}'
                        for name, words in names.items()) + '.']
