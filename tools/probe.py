"""Probe what the hidden tokens of a transformer know of classes.

    python tools/probe.py CONFIG CHECKPOINT [--depths 1 2 3] [--noise 0.1]
                          [--num 2000] [--out FILE.json]

CONFIG is an RCG whose generator diffuses with a DiT, aligned (REPA) or not;
its images have labels, used for this alone. Noise is added to real images; the
tokens after so many blocks are averaged over each of them. Prints
for each depth how often neighbors among the held-out images vote for the right
class, and how often a linear classifier is right that was fitted to training
images.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument('checkpoint', help='file or work folder')
    parser.add_argument('--depths', type=int, nargs='+', metavar='BLOCKS',
                        help='numbers of blocks; each by default')
    parser.add_argument('--noise', type=float, default=.1, metavar='SHARE',
                        help='of the way from image to noise '
                        '(default: %(default)s)')
    parser.add_argument('--num', type=int, default=2000, metavar='N',
                        help='so many images of each set, at most '
                        '(default: %(default)s)')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write the numbers there')
    add_shared(parser, 'device', 'cfg_options', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import probe_features
    from rcg.apis.probing import table
    print(table(probe_features(
        args.config, args.checkpoint, depths=args.depths, noise=args.noise,
        num_images=args.num, out=args.out, device=args.device,
        options=args.cfg_options)))


def main() -> None:
    args = parse_args()
    announce(f'probe {args.config} {args.checkpoint}')
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
