"""Does a model fit this machine, and how fast is it there?

    python tools/check_full_size.py CONFIG [--batch-size 2] [--image-size 256]
                     [--device cuda] [--steps 0] [--images 1] [--float32 high]

Build it, train a step, sample. Weights are random, so nothing must be
downloaded and nothing is learned. Printed are the seconds of each stage and
the peak memory so far. A model takes longer and needs more memory with more
images at a time; ``--steps`` and ``--images`` show how many a second.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('config', help='config file of an RCG or an RDM')
    parser.add_argument('--batch-size', type=int, default=2,
                        help='images of the training step')
    parser.add_argument('--image-size', type=int, default=256,
                        help='side of the images in pixels')
    parser.add_argument('--steps', type=int, default=0,
                        help='training steps after the first, to time')
    parser.add_argument('--images', type=int, default=1,
                        help='images to sample, in one batch')
    parser.add_argument('--float32', default='high',
                        choices=('highest', 'high'), help='exact, or TF32 '
                        'for products on a GPU; default: %(default)s')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, ...')
    parser.add_argument('--out', metavar='FILE',
                        help='write the numbers there, as JSON')
    add_shared(parser, 'cfg_options', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    announce(f'check {args.config}')
    with friendly_errors(args.debug):
        from rcg.apis import check_full_size
        check_full_size(
            args.config, batch_size=args.batch_size,
            image_size=args.image_size, steps=args.steps,
            images=args.images, float32=args.float32, device=args.device,
            out=args.out, options=args.cfg_options)


if __name__ == '__main__':
    main()
