"""Compare hashes of weight files with what is known of them.

    python tools/check_weights.py PATH [PATH ...] [--record] [--as NAME]

PATH is a file or a folder. Known hashes are in rcg/converters/weights.json,
with who states them; most publishers state none. --record writes the hashes
of the others, with date and size, to $RCG_WEIGHTS/hashes.json (or
checkpoints/), with which later runs compare; share that file, and everybody
has the same weights. A converted file is also traced to its source. Exit
status 1 if something differs or is no whole file.
"""
import argparse
import sys

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('paths', nargs='+', metavar='PATH')
    parser.add_argument('--as', dest='name', metavar='NAME', help='what it '
                        'is, a key of rcg/converters/weights.json')
    parser.add_argument('--record', action='store_true',
                        help='note the hashes that are not known')
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> int:
    from rcg.converters import check_weights
    fine = check_weights(args.paths, name=args.name, record=args.record)
    return 0 if fine else 1


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
