"""Fuzz every reader: python -m tests.fuzz --cases 10000 --seed 0

Prints a line for each reader. The exit status is 1 if one did anything but
read a file or refuse it with a sentence; the file is kept then.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import FUZZERS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=10_000,
                        help='of all readers together')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--only', choices=FUZZERS, help='one reader')
    args = parser.parse_args()
    names = [args.only] if args.only else list(FUZZERS)
    failed = 0
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f'fuzz-{name}-'))
        started = time.monotonic()
        try:
            counts = FUZZERS[name](args.seed, -(-args.cases // len(names)),
                                   folder)
            print(f'{name:20} {counts}  {time.monotonic() - started:.1f} s',
                  flush=True)
        except AssertionError as error:
            failed += 1
            print(f'{name:20} FAILED in {folder}: {error}', flush=True)
    sys.exit(min(failed, 1))


if __name__ == '__main__':
    main()
