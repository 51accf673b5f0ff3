"""Plot a logged value of several runs over the epochs that they saw.

    python tools/plot_curves.py WORK_DIR [WORK_DIR ...] [--value loss]
                                [--over epoch] [--out curves.png]

Runs of different batch sizes and numbers of processes lie on each other.
--value is what training logs (loss, lr, grad_norm, ...), or a metric of the
validations (val/fid); one that is not there is answered with those that are.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR')
    parser.add_argument('--value', default='loss', help='what to plot')
    parser.add_argument('--over', default='epoch',
                        choices=('epoch', 'samples_seen', 'iteration'),
                        help='epochs seen, images seen, iterations')
    parser.add_argument('--out', default='curves.png', metavar='FILE.png')
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import compare_curves
    compare_curves(args.work_dirs, args.value, args.out, args.over)
    print(args.out)


def main() -> None:
    args = parse_args()
    announce(f'plot {args.value} of {len(args.work_dirs)} runs')
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
