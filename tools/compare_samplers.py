"""Score the samplers of a diffusion model at equal numbers of network calls.

    python tools/compare_samplers.py CONFIG CHECKPOINT --calls 10 20 50
                                     [--metric held_out/fd] [--out FILE.json]

CONFIG is an RCG whose generator is a diffusion or flow model, or an RDM. All
samplers start from the same noise, and an RCG's from the same representations.
Heun's method takes two calls a step, so it gets half the steps (one call
less); "in t" it works on the straight path of a flow, else on EDM's. The
config decides which samplers fit, and the shift of a flow's times.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument('checkpoint', help='file or work folder')
    parser.add_argument('--calls', type=int, nargs='+',
                        default=[10, 20, 50, 100], help='network calls')
    parser.add_argument('--metric', help='of the table; the first by default')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write all metrics there')
    parser.add_argument('--work-dir', help='for logs')
    add_shared(parser, 'cfg_options')
    parser.add_argument('--launcher', default='none', help=argparse.SUPPRESS)
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import compare_samplers
    from rcg.apis.sampler_comparison import table
    rows = compare_samplers(
        args.config, args.checkpoint, args.calls, out=args.out,
        work_dir=args.work_dir, options=args.cfg_options,
        launcher=args.launcher)
    print(table(rows, args.metric))


def main() -> None:
    args = parse_args()
    announce(f'compare samplers {args.config} {args.checkpoint}')
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
