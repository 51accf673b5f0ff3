"""Save a trained model in a folder that needs no other file.

    python tools/publish.py WORK_DIR OUT [--license apache-2.0]
    python tools/publish.py CONFIG CHECKPOINT OUT

OUT gets the config as data, the weights of all parts as they sample
(safetensors), their hashes, a license and a model card. The card has the
scores of metrics.json beside the checkpoint, with their protocol, if it is of
this checkpoint:

    python tools/test.py WORK_DIR --out WORK_DIR/metrics.json

RCGInferencer.from_pretrained(OUT) loads the folder, wherever it is.
--push USER/NAME uploads it to the Hugging Face hub, too (pip install
huggingface_hub; hf auth login).
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('model', nargs='+', metavar='WORK_DIR',
                        help='a work folder, a checkpoint in one or the name '
                        'of a config; or a config and its checkpoint')
    parser.add_argument('out', metavar='OUT', help='the new folder')
    parser.add_argument('--license', metavar='ID_OR_FILE', help='an '
                        'identifier such as apache-2.0 or cc-by-4.0, or a '
                        'file with its text; by default unknown')
    parser.add_argument('--metrics', metavar='FILE', help='scores of '
                        'tools/test.py, in place of those beside it')
    parser.add_argument('--push', metavar='USER/NAME', help='upload it to '
                        'the Hugging Face hub')
    parser.add_argument('--public', action='store_true',
                        help='let a new repository be public')
    add_shared(parser, 'debug')
    args = parser.parse_args(args)
    if len(args.model) > 2:
        parser.error('give WORK_DIR OUT, or CONFIG CHECKPOINT OUT')
    return args


def run(args: argparse.Namespace) -> None:
    from rcg.apis import RCGInferencer
    model = RCGInferencer(*args.model, device='cpu')
    print(f'checkpoint {model.checkpoint}', flush=True)
    options = dict(license=args.license, metrics=args.metrics)
    model.save_pretrained(args.out, name=args.push, **options)
    print(f'{args.out} holds the model: '
          f'RCGInferencer.from_pretrained({args.out!r})')
    if args.push:
        print(model.push_to_hub(args.push, private=not args.public,
                                **options))


def main() -> None:
    args = parse_args()
    announce(' '.join(['publish', *args.model]))
    with friendly_errors(args.debug, 'start again'):
        run(args)


if __name__ == '__main__':
    main()
