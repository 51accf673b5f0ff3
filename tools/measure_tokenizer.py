"""Measure how well a tokenizer brings back your images, before you train.

    python tools/measure_tokenizer.py TOKENIZER_CONFIG CHECKPOINT
        [IMAGE_FOLDER] [--size PIXELS] [--num N]
        [--out work_dirs/tokenizer/metrics.json]

TOKENIZER_CONFIG is any config with ``tokenizer = dict(...)``, for example
configs/_base_/tokenizers/maskgit_vqgan.py, or one that trains a tokenizer.
Without IMAGE_FOLDER its own images are taken, held-out ones if it names such.
It reports PSNR (of the squared error over all pixels), SSIM (RGB, 11x11
Gaussian window), rFID, the Frechet distance of reconstructions from the images
themselves (compare it for equal numbers of images only), errors of color, the
share of pixels that keep each hue, and how many codes are used; then it says
what a generator will lose, and what to change. grid.png beside the metrics
shows originals over reconstructions.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('config', help='config with a tokenizer')
    parser.add_argument('checkpoint', help='its weights, or a work folder')
    parser.add_argument('images', nargs='?',
                        help='folder of images, in any nesting')
    parser.add_argument('--size', type=int, metavar='PIXELS',
                        help='shorter side resized to it, then center crop; '
                        'default: as the images of the config, else 256')
    parser.add_argument('--num', type=int, metavar='N',
                        help='so many images, spread over the folder')
    parser.add_argument('--out', metavar='FILE',
                        default='work_dirs/tokenizer/metrics.json')
    parser.add_argument('--inception', metavar='PATH', help='weights of '
                        "torch-fidelity's Inception, for rFID; default: "
                        "`extractor` of the config, else torch hub's cache")
    parser.add_argument('--batch-size', type=int, default=16)
    add_shared(parser, 'device', 'cfg_options', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import measure_tokenizer
    metrics = measure_tokenizer(
        args.config, args.checkpoint, args.images, size=args.size,
        num=args.num, out=args.out, inception=args.inception,
        batch_size=args.batch_size, device=args.device,
        options=args.cfg_options)
    print('  '.join(f'{name} {x:.4g}' for name, x in metrics.items()))


def main() -> None:
    args = parse_args()
    announce(f'measure {args.config} {args.checkpoint}')
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
