"""Measure what FID and IS cost besides the extraction of features.

    python tools/benchmark_evaluation.py [--images 1000 10000]

Each number of images is scored by a process of its own, whose features are
given. Printed are its peak memory, the seconds that FID and IS took, and
their share of the time that Inception (with random weights, measured on a
few images, or given as --images-per-second) would have taken.
"""
import argparse

from _cli import make_parser

BATCH = 50  # images that are scored at a time


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('--images', type=int, nargs='+',
                        default=[1000, 10000], help=f'multiples of {BATCH}')
    parser.add_argument('--images-per-second', type=float,
                        help="Inception's speed; default: measured")
    parsed = parser.parse_args(args)
    if any(number < BATCH or number % BATCH for number in parsed.images):
        parser.error(f'--images must be multiples of {BATCH}, got '
                     f'{parsed.images}')
    return parsed


def main() -> None:
    args = parse_args()
    from rcg.apis import benchmark_evaluation
    benchmark_evaluation(args.images, args.images_per_second)


if __name__ == '__main__':
    main()
