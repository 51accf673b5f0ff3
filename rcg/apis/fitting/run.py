"""fit(): survey, choose, train, score, report."""
import dataclasses
import os
import tempfile
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from rcg.apis.fitting.choices import (
    choose_dtype,
    choose_preset,
    choose_size,
    choose_steps,
    parse_time,
)
from rcg.apis.fitting.costs import Cost, measure
from rcg.apis.fitting.encoders import (
    AUTO,
    TRAIN,
    encoder_values,
    find_encoder,
    is_affordable,
)
from rcg.apis.fitting.estimates import estimates
from rcg.apis.fitting.generators import check_generator
from rcg.apis.fitting.look import Look, look
from rcg.apis.fitting.plan import EXAMPLES, SAMPLES, SWEPT, Plan
from rcg.apis.fitting.project import set_value, write_project
from rcg.apis.fitting.report import best_temperature, write_report
from rcg.apis.json_file import write_json
from rcg.apis.stages import StageRunner
from rcg.datasets.folders import keep_out
from rcg.engine import load_config
from rcg.engine.configs.files import find_config
from rcg.engine.devices import usable_device
from rcg.engine.distributed import usable_cores
from rcg.files import read_json
from rcg.precision import is_emulated

# Of the time: for the starts of stages, the features that are stored and the
# scores, at most.
MOST_OVERHEAD = .5
LONG = 60  # epochs; see docs/generators.md
START = 60.  # seconds that all starts of stages take together


def fit(folder: str, *, size: int | None = None, time_limit: str = '30m',
        out: str | None = None, preset: str | None = None,
        encoder: str = AUTO, baseline: bool = False, class_cond: bool = False,
        generator: str = 'mage', dry_run: bool = False,
        device: str | None = None) -> dict:
    """Train RCG on a folder, score it, write a report; called again, go on.

    Args:
        folder: Of images, flat or nested, labels or none.
        size: Side of the images in pixels; see :func:`choose_size`.
        time_limit: For everything, such as '90s', '25m' or '1h30m'.
        out: Folder of the project; by default work_dirs/fit/NAME-SIZE.
        preset: A config of configs/folder; by default by size and device.
        encoder: See :func:`~rcg.apis.fitting.encoders.find_encoder`.
        baseline: Train an unconditional generator for as many steps, too.
        class_cond: Train a generator by class for as many steps, too.
        generator: A key of :data:`GENERATORS`: 'mage' or 'pixels'.
        dry_run: Choose, estimate and stop: nothing is written.
        device: By default a GPU, if there is one.

    Returns:
        What OUT/summary.json holds; for a dry run nothing.

    Raises:
        ValueError: An argument cannot be used, or OUT is another project's.
        RuntimeError: A stage failed.
    """
    begun, seconds = time.monotonic(), parse_time(time_limit)
    check_generator(generator)
    device = str(usable_device(device))
    init_default_scope('rcg')
    seen = _seen(folder, size, class_cond)
    size = size or choose_size(seen.sides, device != 'cpu')
    plan = Plan(os.path.abspath(folder), size, seconds, preset or
                choose_preset(size, device != 'cpu'), device, encoder,
                baseline, class_cond, generator)
    root = Path(out or _default_out(folder, size, generator)).resolve()
    plan = _stored(root, plan) or _chosen(plan, seen)
    print('\n'.join(plan.estimates), flush=True)
    return {} if dry_run else _run(plan, root, seen, begun)


def _seen(folder: str, size: int | None, class_cond: bool) -> Look:
    """Look at the folder, and say what is there.

    Raises:
        ValueError: It cannot be trained on, or has no labels.
    """
    seen = look(folder, size)
    print('\n'.join(seen.sentences), flush=True)
    if class_cond and seen.classes is None:
        raise ValueError(
            f"a class-conditional generator needs labels, and '{folder}' has "
            'none: put each image into one of several class folders, or '
            'leave out --class-cond.')
    return seen


def _default_out(folder: str, size: int, generator: str) -> Path:
    name = os.path.basename(os.path.abspath(folder))
    kind = '' if generator == 'mage' else f'-{generator}'
    return Path('work_dirs/fit', f'{name}-{size}{kind}')


def _stored(root: Path, plan: Plan) -> Plan | None:
    """The plan of the project in a folder, if there is one.

    Raises:
        ValueError: It is of other images, or was made for other arguments,
            or the folder is that of the images.
    """
    if root == Path(plan.folder).resolve():
        raise ValueError(f"'{root}' holds the images: give another --out.")
    path = root / 'plan.json'
    if not path.exists():
        return None
    found = read_json(path)
    if set(found) != {field.name for field in dataclasses.fields(Plan)}:
        raise ValueError(f"'{path}' is of another version of this command: "
                         'give another --out.')
    for name in ('folder', 'size', 'time', 'preset', 'device',
                 'asked_encoder', 'baseline', 'class_cond', 'generator'):
        wanted, got = getattr(plan, name), found.get(name)
        if wanted != got:
            raise ValueError(
                f"'{root}' holds a project with {name} = {got}, and now it "
                f'is {wanted}: give another --out, or the same arguments to '
                'go on.')
    return Plan(**found)


def _chosen(plan: Plan, seen: Look) -> Plan:
    """Time steps of all stages, and fill in ``values`` and ``estimates``."""
    plan.values |= dict(_size=plan.size, _keep_colors=seen.keep_colors,
                        _flip=seen.flip, _bits=seen.bits)
    if seen.classes is not None:
        plan.values['_num_classes'] = seen.classes
    with tempfile.TemporaryDirectory() as folder:
        features = _choose_encoder(plan, seen, Path(folder) / 'encoder')
        trial = Path(folder) / 'project'
        write_project(trial, plan.folder, plan.preset, plan.values)
        costs, drawn = _measured(plan, trial)
        preset = load_config(str(trial / 'parts.py'))
    chosen = choose_dtype(costs, preset._steps, plan.generator)
    if chosen is not None:
        plan.values['_dtype'] = chosen[0]
    # A sixth of the time for the scores, as much for the temperatures.
    affordable = int(plan.time / 6 / (drawn + features) / plan.rounds)
    count = max(100, min(2000, seen.count, affordable))
    tried = len(plan.kind.temperatures)
    plan.swept = max(50, min(SWEPT, affordable // max(1, tried)))
    scored = count + plan.swept * tried
    rest = (START + (seen.read_seconds * 3 + features) * seen.count
            + (drawn + features) * scored * plan.rounds
            + drawn * (EXAMPLES * tried + SAMPLES))
    steps = choose_steps(
        costs, plan.time - min(MOST_OVERHEAD * plan.time, rest), plan.jobs,
        plan.generator)
    plan.values |= dict(_steps=steps, _num_images=count, **for_steps(
        preset, steps, seen.count, plan.generator))
    plan.estimates = estimates(plan, costs, steps, preset._steps, rest)
    if chosen is not None:
        plan.estimates.append(
            f'Precision: {chosen[0]}; a step in bfloat16 is {chosen[1]:.2f} '
            'times as fast here as one in float32.')
    elif plan.device == 'cpu':
        plan.estimates.append('Precision: float32; this CPU has no '
                              'instructions for bfloat16.')
    return plan


def _measured(plan: Plan, trial: Path) -> tuple[dict[str, Cost], float]:
    """Costs of a step of each stage; seconds of an image that is drawn."""
    print(f'trying some steps of each stage on {plan.device} ...', flush=True)
    cores, threads = usable_cores(), _threads(plan)
    # On a GPU the preset decides. Tokenizers train in float32.
    choice = plan.device == 'cpu' and not is_emulated(torch.bfloat16)
    costs = {name: measure(
        trial / f'{name}.py', plan.device,
        cores if name in plan.alone else threads,
        work='precisions' if choice and name != 'tokenizer' else 'step')
        for name in plan.trained}
    return costs, measure(trial / f'{plan.generator}.py', plan.device,
                          threads, work='image').seconds


def _threads(plan: Plan) -> int:
    """Threads of a stage that does not run alone."""
    return max(1, usable_cores() // plan.jobs)


def _choose_encoder(plan: Plan, seen: Look, trial: Path) -> float:
    """Take a pretrained encoder, if it was asked for or is a good choice.

    Returns:
        Seconds that its features of one image take; 0 if there is none.
    """
    found = find_encoder(plan.asked_encoder)
    if found is None:
        print('Encoder: trained on these images' + (
            '.' if plan.asked_encoder == TRAIN else
            ', since no pretrained one is on this machine (--encoder FILE '
            'names one).'), flush=True)
        return 0.
    preset = load_config(find_config(f'rcg::folder/{plan.preset}.py'))
    values = encoder_values(found, preset._rdm.to_dict())
    write_project(trial, plan.folder, plan.preset, plan.values | values)
    seconds = measure(trial / 'parts.py', plan.device, _threads(plan),
                      work='features').seconds
    minutes = seconds * seen.count / 60
    if plan.asked_encoder == AUTO and not is_affordable(minutes * 60,
                                                        plan.time):
        print(f'Encoder: trained on these images, since the features of '
              f'{found} would take {minutes:.0f} minutes. --encoder '
              f"{found.config['model']} takes it all the same.", flush=True)
        return 0.
    plan.encoder = found.config
    plan.values |= values
    print(f'Encoder: {found}; its features take {minutes:.1f} minutes.',
          flush=True)
    return seconds


def for_steps(preset: Config, steps: dict[str, int], count: int,
              generator: str = 'mage') -> dict:
    """Variables that depend on the length of the training.

    Args:
        preset: Its numbers.
        steps: By stage.
        count: Number of images.
        generator: Name of its stage.
    """
    epochs = steps[generator] * preset._batch[generator] / count
    return dict(
        # Quantize early, average over a tenth of the steps.
        _warmup=min(preset._warmup, steps.get('tokenizer', 0) // 5),
        _ema=min(preset._ema, 1 - 10 / steps['rdm']),
        # Noise on the condition helps long trainings and costs short ones.
        _noise=preset._noise if epochs >= LONG else 0.)


def _run(plan: Plan, root: Path, seen: Look, begun: float) -> dict:
    """Train, choose the temperature, score, draw, report.

    Raises:
        RuntimeError: A stage failed.
    """
    if not (root / 'plan.json').exists():
        write_project(root, plan.folder, plan.preset, plan.values)
        write_json(dataclasses.asdict(plan), root / 'plan.json')
    if keep_out(str(root), plan.folder):
        print(f"'{root}' is in the folder of images; what is written there "
              'is no part of them.', flush=True)
    runner = StageRunner(root, plan.jobs)
    _run_all(runner, list(plan.training(root)))
    temperatures = dict.fromkeys([plan.generator, *plan.compared])
    if plan.kind.temperatures:
        temperatures = {name: best_temperature(
            root / name / 'sweep/sweep.json') for name in temperatures}
        set_value(root, '_temperature', temperatures[plan.generator])
    _run_all(runner, list(plan.results(root, temperatures)))
    return write_report(plan, root, seen, runner, temperatures,
                        time.monotonic() - begun)


def _run_all(runner: StageRunner, stages: list) -> None:
    failed = runner.run(stages)
    if failed:
        raise RuntimeError(f'{", ".join(failed)} failed (see above); the '
                           'same command goes on from here.')
