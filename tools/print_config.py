"""Print a config with all that it inherits.

    python tools/print_config.py CONFIG [--origin]
                                 [--cfg-options KEY=VALUE ...]

CONFIG may be a work folder: the config of the run in it. What is printed
is a config again. --origin prints a line for each dotted key instead, with its
value and the file that has set it.
"""
import argparse

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument('--origin', action='store_true',
                        help='say which file has set each key')
    add_shared(parser, 'cfg_options', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        from rcg.apis import print_config
        print_config(args.config, args.cfg_options, origin=args.origin)


if __name__ == '__main__':
    main()
