"""Scores of diffusion samplers at equal numbers of network calls."""
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from rcg.apis.cached_rdm import CachedRDM
from rcg.apis.json_file import write_json
from rcg.apis.run_config import config_of_test
from rcg.diffusion import NoiseSchedule, Sampler
from rcg.diffusion.samplers import Schedule
from rcg.engine.console import log
from rcg.engine.unwrapping import bare_model
from rcg.registry import RUNNERS, TASK_UTILS


def sampler_configs(calls: int, schedule: Schedule, shift: float = 1.
                    ) -> dict[str, dict]:
    """The samplers to compare, by title, for a number of network calls.

    Heun's method takes two calls a step but the last, so it may have one
    less. What needs more calls is left out.

    Args:
        calls: Network calls an image.
        schedule: Of the model's process; decides which samplers fit.
        shift: Of the times of a flow.
    """
    half = (calls + 1) // 2
    if isinstance(schedule, NoiseSchedule):
        known = _of_a_table(calls, half)
    else:
        known = _of_a_flow(calls, half, shift)
    return {title: dict(cfg) for title, (least, cfg) in known.items()
            if calls >= least}


def _of_a_table(calls: int, half: int) -> dict[str, tuple[int, dict]]:
    """(Least calls, sampler) by title."""
    ddim = dict(type='DDIMSampler', num_steps=calls, offset=0,
                spacing='rounded', to_clean=True, float32_tables=False)
    return {
        'DDPM': (1, dict(type='DDPMSampler', num_steps=calls)),
        'DDIM, eta 1': (1, dict(ddim, eta=1.)),
        'DDIM, eta 0': (1, dict(ddim, eta=0.)),
        'DPM-Solver++(2M)': (2, dict(type='DPMSolverSampler',
                                     num_steps=calls)),
        'Heun': (3, dict(type='HeunSampler', num_steps=half)),
        'Heun in t': (1, dict(type='HeunFlowSampler', num_steps=half)),
    }


def _of_a_flow(calls: int, half: int, shift: float
               ) -> dict[str, tuple[int, dict]]:
    """(Least calls, sampler) by title."""
    even = dict(num_steps=calls, spacing='trailing', shift=shift)
    return {
        'SDE': (1, dict(even, type='EulerMaruyamaSampler')),
        'Euler': (1, dict(even, type='EulerSampler')),
        'DPM-Solver++(2M)': (1, dict(even, type='DPMSolverSampler')),
        'DPM-Solver++(2M), log SNR': (2, dict(type='DPMSolverSampler',
                                              num_steps=calls)),
        'Heun': (3, dict(type='HeunSampler', num_steps=half)),
        'Heun in t': (1, dict(even, type='HeunFlowSampler', num_steps=half)),
    }


def compare_samplers(config: Config | dict | str, checkpoint: str,
                     calls: Sequence[int] = (10, 20, 50, 100), *,
                     out: str | None = None, work_dir: str | None = None,
                     options: list[str] | dict | None = None,
                     launcher: str = 'none') -> list[dict]:
    """Score the samplers of a diffusion model at equal numbers of calls.

    All samplers start from the same noise; those of an RCG also from the
    same representations. A flow is sampled with the shift of its config.

    Args:
        config: A config of an RCG whose generator is a diffusion model, or
            of an RDM; or its path.
        checkpoint: File or work folder.
        calls: Numbers of network calls an image.
        out: JSON file for the result. It is written after each score.
        work_dir: Folder of logs; by default ``work_dir`` of the config, else
            work_dirs/<config name>.
        options: Changes of the config by dotted key.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        A dict of ``sampler``, ``calls`` and ``metrics`` for each score.

    Raises:
        ValueError: The model is not sampled by diffusion.
    """
    cfg = config_of_test(config, work_dir, options, launcher)
    runner, owner = _load(cfg, checkpoint)
    rows = []
    for count in calls:
        for name, sampler in samplers_of(owner, count).items():
            owner.sampler = sampler
            log(runner, f'{name}, {count} calls')
            metrics = _numbers(runner.test())
            rows.append(dict(sampler=name, calls=count, metrics=metrics))
            if out:
                write_json(rows, out)
    return rows


def samplers_of(owner: nn.Module, calls: int) -> dict[str, Sampler]:
    """The samplers to compare, by title.

    Args:
        owner: Has the process and, with the shift that all get, a sampler.
        calls: Network calls an image.
    """
    built = {title: TASK_UTILS.build(cfg) for title, cfg in sampler_configs(
        calls, owner.diffusion.schedule,
        owner.sampler.where.get('shift', 1.)).items()}
    if getattr(owner, 'source', None) is None:
        return built
    return {title: sampler for title, sampler in built.items()
            if sampler.any_source}


def _load(cfg: Config, checkpoint: str) -> tuple[Runner, nn.Module]:
    """The runner, and the part of its model that has the sampler.

    The RDM of an RCG draws each representation once, for all samplers.
    """
    runner = RUNNERS.build(cfg)
    runner.load_checkpoint(checkpoint, strict=True)
    model = bare_model(runner)
    owner = owner_of_sampler(model)
    if getattr(model, 'rdm', None) is not None:
        model.rdm = CachedRDM(model.rdm)
    return runner, owner


def _numbers(scores: dict) -> dict[str, float]:
    """The numbers among the results of a test, in their order."""
    return {name: float(value) for name, value in scores.items()
            if isinstance(value, (int, float))}


def owner_of_sampler(model: nn.Module) -> nn.Module:
    """The part of a model that has the sampler to compare.

    Raises:
        ValueError: There is none.
    """
    for part in (getattr(model, 'generator', None), model):
        if hasattr(part, 'sampler'):
            return part
    raise ValueError('neither the generator nor the model is sampled by '
                     'diffusion: there is no sampler to compare.')


def table(rows: list[dict], metric: str | None = None) -> str:
    """Scores as Markdown: samplers down, numbers of calls across.

    Args:
        rows: Result of :func:`compare_samplers`.
        metric: Name of the score; the first by default.
    """
    metric = metric or next(iter(rows[0]['metrics']))
    calls = dict.fromkeys(row['calls'] for row in rows)
    lines = [f'| {metric} at calls | {" | ".join(map(str, calls))} |',
             '|---' * (1 + len(calls)) + '|']
    for name in dict.fromkeys(row['sampler'] for row in rows):
        found = {row['calls']: f'{row["metrics"][metric]:.3f}'
                 for row in rows if row['sampler'] == name}
        cells = [found.get(count, '') for count in calls]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines)
