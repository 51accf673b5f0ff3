"""Show models in the browser: sample, vary, interpolate, compare.

    python tools/demo.py                    models of the quick start
    python tools/demo.py work_dirs/mage     a work folder, a checkpoint in one,
                                            a saved folder; several of them
    python tools/demo.py --port 8000

Prints an address to open. It takes Gradio: pip install 'gradio>=6.31,<7'
(extra demo). Only this machine can open it; a CPU is enough; Ctrl-C ends it.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('models', nargs='*', metavar='MODEL', help='by '
                        'default those in work_dirs/quickstart')
    parser.add_argument('--port', type=int, help='by default the first free '
                        'one from 7860')
    parser.add_argument('--host', default='127.0.0.1', help='address to '
                        'listen at; any other lets everybody in who reaches '
                        'it')
    add_shared(parser, 'device', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from rcg.apis import serve_demo
    serve_demo(args.models, args.host, args.port, args.device)


def main() -> None:
    args = parse_args()
    announce('demo: loading PyTorch and Gradio')
    with friendly_errors(args.debug, 'start again'):
        run(args)


if __name__ == '__main__':
    main()
