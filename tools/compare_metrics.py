"""Tell whether scores of two runs can be compared, and show them.

    python tools/compare_metrics.py A.json B.json

Two files of tools/test.py --out. Prints the scores side by side, then every
difference of their protocols: some make a score incomparable (another
reference, extractor, number of images, quantization ...), others explain why
scores differ (guidance, checkpoint ...). The exit status is 1 if a score that
both have is incomparable.
"""
import argparse
import sys

from _cli import make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('a', help='metrics.json of one run')
    parser.add_argument('b', help='and of another one')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    from rcg.apis.metrics_comparison import compare_metrics, describe
    try:
        found = compare_metrics(args.a, args.b)
    except ValueError as error:
        sys.exit(f'error: {error}')
    print(describe(found))
    sys.exit(0 if found.comparable else 1)


if __name__ == '__main__':
    main()
