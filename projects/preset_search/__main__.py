"""Try other numbers of a preset on a project of tools/fit.py.

    python -m rcg.projects.preset_search PROJECT STAGE CANDIDATE ...
        [--seconds 300 | --steps N] [--jobs 2] [--out DIR]

PROJECT is what tools/fit.py made, its stages before STAGE trained. A CANDIDATE
is what settings.py would say, and an empty one is the project as it is:

    python -m rcg.projects.preset_search work_dirs/fit/emoji-32 tokenizer \\
        '' '_tokenizer=dict(num_codes=1024)' '_lr=dict(tokenizer=1e-3)'

All train for the same seconds, as many steps as fit into them by a short
trial, or for the same steps: then the table shows what they cost. Every
command is printed. Interrupted and started again, it goes on.
"""
import argparse
import math
import sys
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('project', metavar='PROJECT', type=Path)
    parser.add_argument('stage', metavar='STAGE',
                        choices=['tokenizer', 'rdm', 'mage', 'mage_uncond'])
    parser.add_argument('candidates', metavar='CANDIDATE', nargs='+')
    length = parser.add_mutually_exclusive_group()
    length.add_argument('--seconds', type=_seconds, default=300.,
                        help='of training, for each (default: 300)')
    length.add_argument('--steps', type=int, metavar='N',
                        help='of training, for each')
    parser.add_argument('--jobs', type=int, default=2, metavar='N',
                        help='candidates at a time (default: %(default)s)')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help='default: PROJECT/search/STAGE')
    return parser.parse_args(args)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'wanted seconds, got {text}')
    return value


def main() -> None:
    args = parse_args()
    print('preset search: loading PyTorch', flush=True)
    from rcg.projects.preset_search.search import search, table
    out = args.out or args.project / 'search' / args.stage
    rows, failed = search(args.project.resolve(), args.stage, args.candidates,
                          out.resolve(), args.steps or args.seconds,
                          max(1, args.jobs))
    print(table(rows))
    if failed:
        sys.exit(f'{", ".join(failed)} failed (see above)')


if __name__ == '__main__':
    main()
