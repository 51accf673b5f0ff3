"""Do scores of this machine agree with torch-fidelity's?

    python tools/verify_metrics.py [--device cuda]

It makes two sets of 256 images of 64x64 and random weights for Inception,
the same on every machine; scores one set against the other (FID, IS, KID,
precision, recall); and compares with what torch-fidelity gave for them. Exit
status 0 if all agree. Two to three minutes on two cores. The sets are small:
the warning that 256 samples say little about FID is right, and no fault.

Random weights take the same path as the released ones, which we never had, so
values for those are not stored. With --weights the comparison is with
torch-fidelity on this machine. To compare two machines:

    python tools/verify_metrics.py --weights FILE --record mine.json   # on one
    python tools/verify_metrics.py --weights FILE --expected mine.json
"""
import argparse
import sys

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__, allow_abbrev=False)
    parser.add_argument('--weights', metavar='FILE', help="Inception's "
                        'released weights instead of random ones')
    other = parser.add_mutually_exclusive_group()
    other.add_argument('--record', metavar='FILE.json', help='score with '
                       'torch-fidelity alone, and write what it gives')
    other.add_argument('--expected', metavar='FILE.json', help='compare with '
                       'what --record wrote')
    add_shared(parser, 'device', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> bool:
    from rcg.verification.metrics import verify_metrics
    passed = verify_metrics(weights=args.weights, record=args.record,
                            expected=args.expected, device=args.device)
    if not args.record:
        print('PASS: scores of this machine can be compared.' if passed else
              'FAIL: do not compare scores of this machine with others.')
    return passed


def main() -> None:
    args = parse_args()
    announce('test of the metrics')
    with friendly_errors(args.debug):
        passed = run(args)
    sys.exit(0 if passed else 1)


if __name__ == '__main__':
    main()
