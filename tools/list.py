"""List what there is to choose from.

    python tools/list.py [encoders] [generators] [tokenizers] [diffusers]
                         [samplers] [datasets] [metrics] [configs]

Without arguments: all of it. A part is named in a config by its type, with a
line about each; a config stands with the rows of the paper that it makes.
"""
import argparse

from _cli import add_shared, friendly_errors, make_parser

KINDS = ('encoders', 'generators', 'tokenizers', 'diffusers', 'samplers',
         'datasets', 'metrics', 'configs')


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('kinds', nargs='*', metavar='KIND',
                        help=f'some of {", ".join(KINDS)}')
    add_shared(parser, 'debug')
    parsed = parser.parse_args(args)
    for kind in parsed.kinds:
        if kind not in KINDS:
            parser.error(f"there are no '{kind}': choose among "
                         f'{", ".join(KINDS)}')
    return parsed


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        from rcg.apis import list_configs, list_parts
        for kind in args.kinds or KINDS:
            print(kind)
            if kind == 'configs':
                for name, line, rows in list_configs():
                    print(f'  {name:44} {line}')
                    if rows:
                        print(f'  {"":44} rows: {rows}')
                continue
            for name, line in list_parts(kind):
                print(f'  {name:28} {line}')


if __name__ == '__main__':
    main()
