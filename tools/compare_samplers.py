"""Score the samplers of a diffusion model at equal numbers of network calls.

    python tools/compare_samplers.py CONFIG CHECKPOINT --calls 10 20 50
                                     [--metric held_out/fd] [--out FILE.json]

CONFIG is an RCG whose generator is a diffusion model, or an RDM. All samplers
start from the same noise, and an RCG's from the same representations. Heun's
method takes two calls a step, so it gets half the steps (one call less).
"""
import argparse
import json
import os
from pathlib import Path

# What each is called, and its config for a number of calls.
SAMPLERS = {
    'DDPM': lambda calls: dict(type='DDPMSampler', num_steps=calls),
    'DDIM, eta 1': lambda calls: ddim(calls, 1.),
    'DDIM, eta 0': lambda calls: ddim(calls, 0.),
    'DPM-Solver++(2M)': lambda calls: dict(
        type='DPMSolverSampler', num_steps=calls),
    'Heun': lambda calls: dict(
        type='HeunSampler', num_steps=max(2, (calls + 1) // 2)),
}


def ddim(calls: int, eta: float) -> dict:
    return dict(type='DDIMSampler', num_steps=calls, eta=eta, offset=0,
                spacing='rounded', to_clean=True, float32_tables=False)


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='file or work folder')
    parser.add_argument('--calls', type=int, nargs='+',
                        default=[10, 20, 50, 100], help='network calls')
    parser.add_argument('--metric', help='of the table; the first by default')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write all metrics there')
    parser.add_argument('--work-dir', help='for logs')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--launcher', default='none', help=argparse.SUPPRESS)
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def owner_of_sampler(model):
    """The part that has the sampler to compare.

    Raises:
        ValueError: It has none.
    """
    for part in (getattr(model, 'generator', None), model):
        if hasattr(part, 'sampler'):
            return part
    raise ValueError('neither the generator nor the model is sampled by '
                     'diffusion: there is no sampler to compare.')


def table(rows: list[dict], metric: str, calls: list[int]) -> str:
    """A line for each sampler, a column for each number of calls."""
    lines = [f'| {metric} at calls | {" | ".join(map(str, calls))} |',
             '|---' * (1 + len(calls)) + '|']
    for name in SAMPLERS:
        cells = [f'{row["metrics"][metric]:.3f}' for row in rows
                 if row['sampler'] == name]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def run(args: argparse.Namespace) -> list[dict]:
    from rcg.apis.sweep.representations import RememberingRdm
    from rcg.apis.test_config import adapt
    from rcg.engine import bare_model, load_config, log
    from rcg.registry import RUNNERS, TASK_UTILS
    cfg = load_config(args.config, args.cfg_options)
    adapt(cfg, args)
    runner = RUNNERS.build(cfg)
    runner.load_checkpoint(args.checkpoint, strict=True)
    model = bare_model(runner)
    owner, rows = owner_of_sampler(model), []
    if getattr(model, 'rdm', None) is not None:
        model.rdm = RememberingRdm(model.rdm, Path(runner.work_dir), {}, 0)
        model.rdm.drawn.clear()
    for calls in args.calls:
        for name, sampler in SAMPLERS.items():
            owner.sampler = TASK_UTILS.build(sampler(calls))
            log(runner, f'{name}, {calls} calls')
            metrics = {key: float(value) for key, value in
                       runner.test().items() if isinstance(
                           value, (int, float))}
            rows.append(dict(sampler=name, calls=calls, metrics=metrics))
            if args.out:
                Path(args.out).write_text(json.dumps(rows, indent=1))
    print(table(rows, args.metric or next(iter(metrics)), args.calls))
    return rows


def main() -> None:
    args = parse_args()
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        print(f'compare samplers {args.config} {args.checkpoint}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
