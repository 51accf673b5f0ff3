"""Campaigns of faults; ``bash tools/run_faults.sh`` starts them.

    bash tools/run_faults.sh [--short] [--kills N] [--fuzz N] [--soak STEPS]
                             [--seed S] [--only NAME ...] [--out FILE]
"""
import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import FUZZERS

from .kills import kills, prepare
from .recipes import RECIPES
from .soak import soak


def main() -> int:
    args = _parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        campaigns = {
            name: run for name, run in _campaigns(args, root).items()
            if not args.only or any(map(name.startswith, args.only))}
        if any(not name.startswith('fuzz') for name in campaigns):
            prepare(root)
        for name, run in campaigns.items():
            start = time.monotonic()
            result = dict(name=name, **run())
            result['seconds'] = round(time.monotonic() - start, 1)
            results.append(result)
            print(f"{name:12}  tried {result['tried']:5}  survived "
                  f"{result['survived']:5}  {result['seconds']:7.1f} s",
                  *result.get('notes', ()), sep='\n    ', flush=True)
            if args.out:
                Path(args.out).write_text(json.dumps(results, indent=1))
    failed = [r['name'] for r in results if r['survived'] < r['tried']]
    print('all survived' if not failed else f'failed: {", ".join(failed)}')
    return 1 if failed else 0


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--short', action='store_true',
                        help='a few minutes, as in CI')
    parser.add_argument('--kills', type=int, help='kills in all')
    parser.add_argument('--fuzz', type=int, help='damaged files in all')
    parser.add_argument('--soak', type=int, metavar='STEPS')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--only', nargs='+', metavar='NAME',
                        help='campaigns whose names begin so')
    parser.add_argument('--out', help='JSON file for the results')
    args = parser.parse_args()
    for name, short, full in (('kills', 10, 200), ('fuzz', 500, 10000),
                              ('soak', 100, 10000)):
        if getattr(args, name) is None:
            setattr(args, name, short if args.short else full)
    return args


def _campaigns(args: argparse.Namespace, root: Path) -> dict:
    """Function of each campaign by name."""
    each = -(-args.kills // len(RECIPES))
    found = {f'kill {name}': lambda name=name: _killed(
        name, root, args.seed, each) for name in RECIPES}
    cases = -(-args.fuzz // len(FUZZERS))
    found |= {f'fuzz {name}': lambda name=name: _fuzzed(
        name, root, args.seed, cases) for name in FUZZERS}
    found['soak'] = lambda: _soaked(root, args.soak)
    return found


def _killed(name: str, root: Path, seed: int, count: int) -> dict:
    notes, survived = [], 0
    for wrong in itertools.islice(kills(name, root, seed), count):
        if wrong:
            notes.append(f'{len(wrong)} differ: ' + ', '.join(wrong[:8]))
        else:
            survived += 1
    return dict(tried=count, survived=survived, notes=notes)


def _fuzzed(name: str, root: Path, seed: int, cases: int) -> dict:
    folder = root / f'fuzz_{name}'
    folder.mkdir()
    try:
        counts = FUZZERS[name](seed, cases, folder)
    except AssertionError as error:  # the rest was not tried
        return dict(tried=cases, survived=0, notes=[str(error)])
    return dict(tried=cases, survived=cases, notes=[json.dumps(counts)])


def _soaked(root: Path, steps: int) -> dict:
    found = soak(root, steps)
    good = (found['descriptors'] <= 0
            and (found['mb_per_1000_steps'] < 1. or steps < 3000))
    return dict(tried=1, survived=int(good), notes=[json.dumps(found)])


if __name__ == '__main__':
    sys.exit(main())
