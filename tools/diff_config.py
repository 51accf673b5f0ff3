"""Show how two configs differ, by dotted key.

    python tools/diff_config.py A B

A and B are configs or work folders of runs. Exit status as of diff: 0 without
a difference, 1 with some, 2 in trouble.
"""
import argparse
import sys

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('first', metavar='A', help='config or work folder')
    parser.add_argument('second', metavar='B', help='config or work folder')
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    try:
        with friendly_errors(args.debug):
            from rcg.apis import diff_config
            found = diff_config(args.first, args.second)
    except SystemExit as stop:
        sys.exit(2 if stop.code == 1 else stop.code)
    for one in found:
        if one.old is not None:
            print(f'- {one.key} = {one.old}')
        if one.new is not None:
            print(f'+ {one.key} = {one.new}')
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()
