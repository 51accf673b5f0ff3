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
import collections
import os
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
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


def places(args: argparse.Namespace, parts: list) -> list[Path]:
    """The file of each part."""
    out = Path(args.out or os.environ.get('RCG_WEIGHTS') or 'checkpoints')
    suffix = '.pth' if args.pth else '.safetensors'
    if out.suffix not in ('.pth', '.safetensors'):
        return [out / (part.stem + suffix) for part in parts]
    return [out, *(out.parent / (part.stem + out.suffix)
                   for part in parts[1:])]


def report(part, verbose: bool) -> None:
    """Every tensor of a part: used, or not and why."""
    print(f'{part.stem}: {len(part.weights)} tensors used, '
          f'{len(part.ignored)} not')
    for reason, count in collections.Counter(part.ignored.values()).items():
        print(f'  {count:5} not used: {reason}')
        for name in part.ignored if verbose else ():
            if part.ignored[name] == reason:
                print(f'        {name}')


def fits(part, config: str | None) -> bool:
    """Check against a config; one that is asked for must be there."""
    from rcg.converters.convert import check
    from rcg.engine import find_config
    try:
        check(part, find_config(config or part.config))
    except FileNotFoundError:
        if config:
            raise
        return False
    print(f'  fits {config or part.config}: nothing missing, all shapes '
          'right')
    return True


def advise(form: str, parts: list, paths: list[Path], config: str) -> None:
    """What is still needed, and the next command."""
    from rcg.converters.convert import role
    folder = paths[0].parent
    start = '' if folder == Path('checkpoints') else f'RCG_WEIGHTS={folder} '
    encoder = next((part.stem for part in parts[1:]
                    if part.form == 'mocov3'), None)
    rdm = folder / f'rdm_{encoder}{paths[0].suffix}'
    if encoder and not rdm.exists() and (
            form == 'ldm'
            or 'condition_embed.condition_proj.weight' in parts[0].weights):
        print(f'still needed: {rdm}, the RDM of that encoder, which this '
              'file does not hold:\n'
              '  python tools/convert_checkpoint.py RDM_FILE')
    tool = {'generator': 'sample', 'rdm': 'test'}.get(role(parts[0]))
    print(f'next: {start}python tools/{tool}.py {config} {paths[0]}' if tool
          else f'next: put {config} in the _base_ of a config, with '
          f'checkpoint={str(paths[0])!r},\nor convert an RDM and a generator')


def run(args: argparse.Namespace) -> None:
    from rcg.converters import convert as conversion
    from rcg.converters import publish as publishing
    from rcg.converters.formats import FORMATS
    if args.to_published:
        number = publishing.publish(args.to_published, args.out)
        print(f'wrote {args.out}: {number} tensors')
        return
    published = conversion.read(args.file, args.format, not args.live)
    parts = published.parts
    print(f'{args.file}: {FORMATS[published.form].title}'
          + f", weights under '{published.key}'" * bool(published.key)
          + '; beside them, left out: ' * bool(published.others)
          + ', '.join(published.others))
    unfit = []
    for part in parts:
        report(part, args.verbose)
        if not fits(part, args.config if part is parts[0] else None):
            unfit.append(part.stem)
    if unfit:
        print(f'no config of this project has the size of {", ".join(unfit)}:'
              ' missing tensors are not noticed (--config CONFIG checks)')
    paths = places(args, parts)
    for path, new in zip(paths, conversion.write(
            published, args.file, paths, args.lean), strict=True):
        print(f'wrote {path}' if new else
              f'{path} is already there with the same weights')
    advise(published.form, parts, paths,
           args.config or ('CONFIG' if parts[0].stem in unfit
                           else parts[0].config))


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'run it again'):
        run(args)


if __name__ == '__main__':
    main()
