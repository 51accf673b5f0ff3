"""Compare hashes of weight files with what is known of them.

    python tools/check_weights.py PATH [PATH ...] [--record] [--as NAME]

PATH is a file or a folder. Known hashes are in tools/weights.json, with who
states them; most publishers state none. --record writes the hashes of the
others, with date and size, to $RCG_WEIGHTS/hashes.json (or checkpoints/),
with which later runs compare; share that file, and everybody has the same
weights. A converted file is also traced to its source. Exit status 1 if
something differs or is no whole file.
"""
import argparse
import datetime
import json
import os
import sys
from pathlib import Path

ENDINGS = ('.pth', '.pt', '.ckpt', '.tar', '.safetensors', '.zip', '.pkl',
           '.npz', '.pb')


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('paths', nargs='+', metavar='PATH')
    parser.add_argument('--as', dest='name', metavar='NAME',
                        help='what it is, a key of tools/weights.json')
    parser.add_argument('--record', action='store_true',
                        help='note the hashes that are not known')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def find_files(paths: list[str]) -> list[Path]:
    """Files as given, and those in folders that look like weights.

    Raises:
        FileNotFoundError: There is no such path, or no weights in it.
    """
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"There is no '{path}'.")
        found += [path] if path.is_file() else sorted(
            file for file in path.rglob('*') if file.suffix in ENDINGS)
    if not found:
        raise FileNotFoundError(f'No weights in {", ".join(paths)}: no file '
                                f'ends in one of {", ".join(ENDINGS)}.')
    return found


def entry_of(path: Path, name: str | None, table: dict) -> str | None:
    """The key of the table that a file is known by.

    Raises:
        ValueError: ``name`` is no key.
    """
    if name and name not in table:
        raise ValueError(f'--as {name}: known are {", ".join(table)}.')
    return name or next((key for key, entry in table.items()
                         if path.name in entry['names']), None)


def source_of(path: Path) -> str:
    """Where a converted file says it comes from."""
    from safetensors import safe_open
    if path.suffix != '.safetensors':
        return ''
    with safe_open(path, 'pt') as file:
        told = file.metadata() or {}
    return (f'  converted from {told["source"]}, sha256 '
            f'{told["source_sha256"]}\n') if 'source_sha256' in told else ''


def agrees(size: int, sha256: str, entry: dict) -> bool:
    """Whether size and (beginning of the) hash are as stated."""
    return entry.get('size', size) == size and sha256.startswith(
        entry['sha256'])


def check(path: Path, key: str | None, table: dict, noted: dict,
          record: bool) -> bool:
    """Check one file, say how it went, note it if wanted."""
    from rcg.checkpoint import file_sha256
    from rcg.checkpoint.finding import what_is_wrong
    wrong = what_is_wrong(path)
    if wrong and 'Unpack' not in wrong:  # an archive is as good as a file
        print(f'{path}: WRONG. {wrong}')
        return False
    size, sha256 = path.stat().st_size, file_sha256(str(path))
    print(f'{path}: {size:,} bytes, sha256 {sha256}\n{source_of(path)}',
          end='')
    entry, name = table.get(key, {}), key or path.name
    fine = True
    if 'sha256' in entry:
        fine = agrees(size, sha256, entry)
        part = '' if len(entry['sha256']) == 64 else 'beginning of the '
        print(f'  {"equal to" if fine else "DIFFERS from"} the {part}hash of '
              f'{key}, stated by: {entry["hash_from"]}')
    if name in noted:
        same = agrees(size, sha256, noted[name])
        print(f'  {"equal to" if same else "DIFFERS from"} what was noted as '
              f'{name} on {noted[name]["date"]}')
        fine = fine and same
    elif record and fine:
        noted[name] = dict(size=size, sha256=sha256, file=path.name,
                           date=datetime.date.today().isoformat())
        print(f'  noted as {name}')
    elif 'sha256' not in entry:
        print(f'  nothing is known of {name}; --record notes this')
    if not fine and entry:
        print(f'  Download it again: {entry["url"]}')
    return fine


def run(args: argparse.Namespace) -> int:
    from rcg.checkpoint import open_atomically
    table = json.loads(Path(__file__).with_name('weights.json').read_text())[
        'files']
    folder = os.environ.get('RCG_WEIGHTS') or 'checkpoints'
    hashes = Path(folder, 'hashes.json')
    noted = json.loads(hashes.read_text()) if hashes.exists() else {}
    before, fine = dict(noted), True
    for path in find_files(args.paths):
        key = entry_of(path, args.name, table)
        fine &= check(path, key, table, noted, args.record)
    if noted != before:
        hashes.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(str(hashes)) as file:
            file.write((json.dumps(noted, indent=1) + '\n').encode())
    return int(not fine)


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
