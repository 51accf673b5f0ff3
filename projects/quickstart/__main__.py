"""Train and score RCG on digits: commands, two at a time.

    bash tools/quickstart.sh [--short] [--seeds 3] [--work-dir DIR]
        [--generators mage,dit,adm,ldm]

Each stage is a call of tools/train.py, tools/test.py or tools/sample.py that
is printed and can be copied. Interrupted and started again, it goes on.
"""
import argparse
import sys
import time
from pathlib import Path

from rcg.projects.quickstart.plan import GENERATORS, Plan


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--short', action='store_true',
                        help='fewer iterations: a check that all works')
    parser.add_argument('--seeds', type=int, default=1, metavar='N',
                        help='N runs and their mean, each model at its best '
                        'sampling settings, with the PCA control of mage')
    parser.add_argument('--generators', type=generator_names, default='mage',
                        metavar='NAMES', help='what draws the images, with '
                        'and without representations: some of '
                        f'{",".join(GENERATORS)} (default: %(default)s)')
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    return parser.parse_args(args)


def generator_names(names: str) -> tuple[str, ...]:
    """Names of generators in an argument such as 'mage,dit'."""
    given = names.split(',')
    for name in given:
        if name not in GENERATORS:
            raise argparse.ArgumentTypeError(
                f'wanted some of {",".join(GENERATORS)}, with commas and no '
                f"blanks between them, got '{name}'")
    return tuple(dict.fromkeys(given))


def main() -> None:
    args, begun = parse_args(), time.monotonic()
    for stream in sys.stdout, sys.stderr:  # names of files may be any bytes
        stream.reconfigure(errors='backslashreplace')
    print('quick start: loading PyTorch', flush=True)
    from rcg.apis.stages import run_or_exit
    from rcg.projects.quickstart.report import report

    plan = Plan(args.generators, args.seeds, args.short)
    folder = Path(args.work_dir)
    roots = [folder]
    if args.seeds > 1:
        roots = [folder / f'seed_{seed}' for seed in range(args.seeds)]
    for seed, root in enumerate(roots):
        run_or_exit(root, plan.commands(seed))
    report(folder, roots, plan, time.monotonic() - begun)


if __name__ == '__main__':
    main()
