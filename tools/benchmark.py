"""Measure training and sampling of models, beside the plain way.

    python tools/benchmark.py [--quick] [--json FILE] [CONFIG ...]

Plain is what the published code does: images through the frozen parts in
every step, attention as explicit products in float32, PyTorch's dropout,
batches of 16 for sampling. All ways take turns in one run, with random weights
and images of noise; medians, peak memory and the share of the measured rate of
matrix products are printed.
By default the model is MAGE-B. --quick takes under five minutes on two cores.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('configs', nargs='*', metavar='CONFIG',
                        help='configs of RCG models')
    parser.add_argument('--quick', action='store_true',
                        help='few images, rounds and sampling steps')
    parser.add_argument('--json', metavar='FILE', help='write all rows there')
    parser.add_argument('--batch-size', type=int, metavar='N',
                        help='images of a step (default: 32 on a GPU, else 2)')
    parser.add_argument('--image-size', type=int, default=256,
                        metavar='PIXELS')
    parser.add_argument('--rounds', type=int, metavar='N',
                        help='turns of each way (default: 5, quick 3)')
    add_shared(parser, 'device', 'cfg_options', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    announce('benchmark')
    with friendly_errors(args.debug):
        from rcg.apis import benchmark
        benchmark(args.configs, quick=args.quick, batch_size=args.batch_size,
                  image_size=args.image_size, rounds=args.rounds,
                  device=args.device, out=args.json,
                  options=args.cfg_options)


if __name__ == '__main__':
    main()
