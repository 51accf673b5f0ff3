"""Read every image of a folder; say what is there, list what is wrong.

    python tools/check_dataset.py FOLDER [--imagenet] [--size 64] [--workers 8]

Sizes, transparent and animated images, copies, what is left out, labels. With
--size PIXELS, how many images are smaller than those of a model. With
--imagenet, FOLDER holds train/ or val/ or both, with the classes and numbers
of images of ILSVRC 2012; val/ may be flat. Exit status 1 if a file cannot be
read or a number is wrong. A journal remembers the files that were read (until
they change), so that the same command goes on where it was.
"""
import argparse
import os
import sys

from _cli import friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('folder',
                        help='folder of images, or of tar shards with images')
    parser.add_argument('--imagenet', action='store_true')
    parser.add_argument('--size', type=int, metavar='PIXELS',
                        help='side of the images of the model')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument('--journals', default='work_dirs/check_dataset')
    parser.add_argument('--debug', action='store_true', help='tracebacks')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> int:
    from rcg.apis import check_dataset
    faults = check_dataset(args.folder, imagenet=args.imagenet,
                           size=args.size, workers=args.workers,
                           journals=args.journals)
    print('\n'.join(faults) or 'no fault found')
    return 1 if faults else 0


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug, 'the same command goes on from here'):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
