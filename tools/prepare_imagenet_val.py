"""Make the published evaluation images of the ImageNet validation set.

    python tools/prepare_imagenet_val.py data/imagenet/val data/imagenet_val

SRC holds the 50,000 files, flat or one folder a class; DST gets a PNG of
256x256 for each, under its own name: shorter side to 256 with a bilinear
filter, centre crop, as RCG's evaluation did. FID against them is not FID
against the training set. Started again, it goes on where it was.
"""
import argparse
import os
import sys

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('src', help='folder of the validation images')
    parser.add_argument('dst', help='folder of the PNG files')
    parser.add_argument('--size', type=int, default=256)
    parser.add_argument('--resize', default='bilinear',
                        choices=('bilinear', 'bicubic', 'lanczos'),
                        help='the published images are bilinear')
    parser.add_argument('--num-images', type=int, default=50_000,
                        help='how many there must be; with another number '
                        'than 50,000, classes are not counted')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> int:
    from rcg.apis import prepare_imagenet_val
    bad = prepare_imagenet_val(
        args.src, args.dst, size=args.size, resize=args.resize,
        num_images=args.num_images, workers=args.workers)
    return 1 if bad else 0


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug, 'the same command goes on from here'):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
