"""Published weights -> ours, and back.

    python tools/convert_checkpoint.py FILE [--out DIR_OR_FILE] [--lean]
                                       [--live] [--pth] [--verbose]
    python tools/convert_checkpoint.py --to-published PART [PART ...]
                                       --out FILE

Tells by names and shapes what FILE is (docs/model_zoo.md lists the released
files), converts it, and checks it against the config that fits. The frozen
encoder and tokenizer inside a file become files of their own. Nothing in
FILE is executed. Converted files go to $RCG_WEIGHTS, or checkpoints/, where
the configs look for them. They keep what ours does not use, so that
--to-published restores the weights to the bit.
"""
import argparse
from pathlib import Path

from _cli import friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('file', nargs='?', help='published file')
    parser.add_argument('--to-published', nargs='+', metavar='PART',
                        help='converted files to join')
    parser.add_argument('--out', metavar='DIR_OR_FILE',
                        help='where to; a file ends in .safetensors or .pth')
    parser.add_argument('--format', metavar='NAME', help='what FILE is')
    parser.add_argument('--config', help='check against this config')
    for flag, text in (
            ('lean', 'leave out what ours does not use; no way back'),
            ('live', 'take the live weights, not the averaged'),
            ('pth', 'write .pth in place of .safetensors'),
            ('verbose', 'list all unused tensors'),
            ('debug', 'show the traceback of errors')):
        parser.add_argument(f'--{flag}', action='store_true', help=text)
    parsed = parser.parse_args(args)
    if bool(parsed.file) == bool(parsed.to_published):
        parser.error('give FILE, or --to-published PART ...')
    if parsed.to_published and not parsed.out:
        parser.error('--to-published needs --out FILE')
    return parsed


def advise(found, config: str | None) -> str:
    """What is still needed, and the next command."""
    main, path = found.parts[0], found.paths[0]
    if config is None:
        config = 'CONFIG' if main.stem in found.unchecked else main.config
    start, advice = '', ''
    if path.parent != Path('checkpoints'):
        start = f'RCG_WEIGHTS={path.parent} '
    encoder = next((part.stem for part in found.parts[1:]
                    if part.format == 'mocov3'), None)
    rdm = path.with_name(f'rdm_{encoder}{path.suffix}')
    if encoder and not rdm.exists() and (
            found.format == 'ldm'
            or 'condition_embed.condition_proj.weight' in main.weights):
        advice = (f'still needed: {rdm}, the RDM of that encoder, which this '
                  'file does not hold:\n'
                  '  python tools/convert_checkpoint.py RDM_FILE\n')
    tool = {'generator': 'sample', 'rdm': 'test'}.get(main.role)
    if tool:
        return f'{advice}next: {start}python tools/{tool}.py {config} {path}'
    return (f'{advice}next: put {config} in the _base_ of a config, with '
            f'checkpoint={str(path)!r},\nor convert an RDM and a generator')


def run(args: argparse.Namespace) -> None:
    from rcg.converters import convert, publish
    if args.to_published:
        number = publish(args.to_published, args.out)
        print(f'wrote {args.out}: {number} tensors')
        return
    found = convert(
        args.file, args.out, format=args.format, averaged=not args.live,
        lean=args.lean, suffix='.pth' if args.pth else '.safetensors',
        config=args.config, verbose=args.verbose, log=print)
    print(advise(found, args.config))


def main() -> None:
    args = parse_args()
    with friendly_errors(args.debug, 'run it again'):
        run(args)


if __name__ == '__main__':
    main()
