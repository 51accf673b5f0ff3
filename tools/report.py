"""Write an HTML page about a run: curves, samples, metrics, config, speed.

    python tools/report.py WORK_DIR [--out FILE] [--compare WORK_DIR ...]

The page is one file that needs no other. The run may be finished, stopped,
failed or still running. WORK_DIR may hold several runs, as that of the quick
start does: all stages are then on the page. --compare draws several runs on
the same axes and tells their configs apart.
"""
import argparse

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('work_dir', metavar='WORK_DIR',
                        help='work folder, or a folder of work folders')
    parser.add_argument('--out', metavar='FILE',
                        help='default: report.html in WORK_DIR')
    parser.add_argument('--compare', nargs='+', default=[], metavar='WORK_DIR',
                        help='other runs, on the same axes')
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        from rcg.apis import report
        print(report(args.work_dir, out=args.out, compare=args.compare))


if __name__ == '__main__':
    main()
