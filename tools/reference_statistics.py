"""Make or convert a file of reference statistics.

    python tools/reference_statistics.py REAL OUT [--extractor inception]
                                         [--spatial] [--features]

REAL is a folder of images of one size or an npz file of them (arr_0); or a
file of statistics to be converted: npz (ADM, EDM, pytorch-fid), .pkl (EDM2),
.pt (torch-fidelity's cache), .safetensors (ours). OUT is an npz file with mu
and sigma, which all of these read, a .pkl for EDM2 or a .pt for
torch-fidelity. An npz file of ours remembers which extractor made it.
"""
import argparse

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__, allow_abbrev=False)
    parser.add_argument('real', help='images, or a file of statistics')
    parser.add_argument('out', help='.npz, .pkl or .pt')
    parser.add_argument('--extractor', default='inception',
                        help='inception, dinov2, clip, or a config with '
                        'extractor = dict(...)')
    parser.add_argument('--weights', metavar='FILE', help='of the extractor')
    parser.add_argument('--spatial', action='store_true',
                        help='also mu_s and sigma_s, for sFID')
    parser.add_argument('--features', action='store_true',
                        help='also features, for precision, recall and KID')
    parser.add_argument('--section', default='fid',
                        help="of an EDM2 pickle: 'fid' or 'fd_dinov2'")
    parser.add_argument('--num-workers', type=int, default=0,
                        help='processes that look at files beforehand')
    add_shared(parser, 'device', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import write_reference_statistics
    arrays = write_reference_statistics(
        args.real, args.out, extractor=args.extractor, weights=args.weights,
        spatial=args.spatial, features=args.features, section=args.section,
        num_workers=args.num_workers, device=args.device)
    print(f'{args.out}: ' + ', '.join(
        f'{name} {value.shape}' for name, value in arrays.items()))


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
