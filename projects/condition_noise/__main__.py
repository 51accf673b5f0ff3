"""Measure noise on the condition while training, on digits.

    python -m rcg.projects.condition_noise [--generators mage,dit,adm,ldm]
        [--steps 600 2400] [--noise 0 0.15 0.3 0.6] [--seeds 3]
        [--jobs 2] [--work-dir DIR]

Each stage is a call of tools/train.py or tools/test.py that is printed and
can be copied. Interrupted and started again, it goes on. After each seed the
table and results.json are written anew.
"""
import argparse
import math
import sys
from pathlib import Path

from rcg.projects.comparison.__main__ import count
from rcg.projects.condition_noise.plan import Plan
from rcg.projects.quickstart.__main__ import generator_names


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--generators', type=generator_names, default='mage',
                        metavar='NAMES', help='some of mage,dit,adm,ldm '
                        '(default: %(default)s)')
    parser.add_argument('--steps', type=count, nargs='+',
                        default=[600, 2400], metavar='N',
                        help='lengths of training (default: 600 2400)')
    parser.add_argument('--noise', type=_std, nargs='+',
                        default=[0., .15, .3, .6], metavar='STD',
                        help='standard deviations, where that of a '
                        'representation is 1 (default: 0 0.15 0.3 0.6)')
    parser.add_argument('--seeds', type=count, default=3, metavar='N')
    parser.add_argument('--jobs', type=count, default=2, metavar='N',
                        help='stages at a time (default: %(default)s)')
    parser.add_argument('--work-dir', default='work_dirs/condition_noise')
    return parser.parse_args(args)


def _std(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(
            f"wanted a finite number of at least 0, got '{text}'")
    return value


def _without_repeats(values: list) -> tuple:
    return tuple(dict.fromkeys(values))


def main() -> None:
    args = parse_args()
    for stream in sys.stdout, sys.stderr:  # names of files may be any bytes
        stream.reconfigure(errors='backslashreplace')
    print('condition noise: loading PyTorch', flush=True)
    from rcg.apis.stages import run_or_exit
    from rcg.projects.condition_noise.report import report

    plan = Plan(args.generators, _without_repeats(args.steps),
                _without_repeats(args.noise))
    folder, roots = Path(args.work_dir), []
    for seed in range(args.seeds):
        roots.append(folder / f'seed_{seed}')
        run_or_exit(roots[-1], plan.commands(seed), args.jobs)
        report(folder, roots, plan)


if __name__ == '__main__':
    main()
