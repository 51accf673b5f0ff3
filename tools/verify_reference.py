"""Run stored numbers of the published code through this package.

    python tools/verify_reference.py PACK [--out FILE.json]
                                     [--only GLOB ...] [--skip GLOB ...]
                                     [--device cuda]

PACK is a folder with cases/<case>/, or the cases folder itself. Each case's
weights go through the converters into models that are built from its
config.json; one line for each tensor says how far ours is from the stored
one. Exit status 1 if a tensor is out of tolerance or was not looked at, or a
case failed. Errors are relative to each number where the tolerance is
("rel"), else to the largest of the tensor.
"""
import argparse
import sys

from _cli import add_shared, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('pack', help='folder of the reference pack')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write all results there')
    parser.add_argument('--only', nargs='+', metavar='GLOB', default=['*'],
                        help='run these cases')
    parser.add_argument('--skip', nargs='+', metavar='GLOB', default=[],
                        help='leave these cases out')
    parser.add_argument('--device', default='cpu',
                        help='cpu, cuda, ... (without TF32)')
    add_shared(parser, 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> int:
    from rcg.verification.parity.pack import verify_pack
    outcomes = verify_pack(args.pack, only=args.only, skip=args.skip,
                           device=args.device, out=args.out)
    print()
    for status in ('passed', 'failed', 'skipped'):
        names = [o.case for o in outcomes if o.status == status]
        if names:
            print(f'{len(names)} {status}: {" ".join(names)}')
    return 1 if any(o.status == 'failed' for o in outcomes) else 0


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
