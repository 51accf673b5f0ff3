"""Score the images of any generator.

    python tools/evaluate_images.py IMAGES --reference REAL [NAME=REAL ...]
                                    [--metrics fid is ...] [--out FILE]

IMAGES is a folder of PNG files, in any nesting, or an npz file in ADM's
format (arr_0, uint8, (N, H, W, 3)). REAL is such a folder or file, or an npz
file of statistics (mu and sigma, as ADM and others publish them; others:
tools/reference_statistics.py). Several are compared with in one pass; NAME
(by default that of the file) stands before the results. With Inception the
scores are those of torch-fidelity. On several processes:
torchrun --nproc_per_node 8 tools/evaluate_images.py ... --launcher pytorch
"""
import argparse
import json

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__, allow_abbrev=False)
    parser.add_argument('images', help='folder or npz file to be scored')
    parser.add_argument('--reference', nargs='+', metavar='[NAME=]REAL',
                        default=[], help='real images, or their statistics')
    parser.add_argument(
        '--metrics', nargs='+', default=['fid', 'is'],
        choices=('fid', 'sfid', 'is', 'kid', 'prc', 'dc'),
        help='prc: precision, recall; dc: density, coverage; default: fid is')
    parser.add_argument('--extractor', default='inception',
                        help='inception, dinov2, clip, or a config with '
                        'extractor = dict(...)')
    parser.add_argument('--weights', metavar='FILE', help='of the extractor')
    parser.add_argument('--kid-subset-size', type=int, default=1000)
    parser.add_argument('--out', metavar='FILE', help='write scores there')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--num-workers', type=int,
                        help='processes that read; default: all cores')
    add_shared(parser, 'device', 'launcher', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import score_images
    found = score_images(
        args.images, args.reference, metrics=args.metrics,
        extractor=args.extractor, weights=args.weights,
        kid_subset_size=args.kid_subset_size, out=args.out,
        batch_size=args.batch_size, num_workers=args.num_workers,
        device=args.device, launcher=args.launcher)
    if found is None:  # the first process has all
        return
    protocol = found.pop('protocol')
    for name, value in found.items():
        print(f'{name:32}{value:.6g}')
    print(json.dumps(protocol, indent=1))


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
