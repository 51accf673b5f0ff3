"""Hashes of weight files, compared with what is known of them."""
import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path

from rcg.checkpoint import file_sha256, open_atomically, open_safetensors
from rcg.checkpoint.finding import what_is_wrong
from rcg.files import read_json

SUFFIXES = ('.pth', '.pt', '.ckpt', '.tar', '.safetensors', '.zip', '.pkl',
            '.npz', '.pb')
TABLE = Path(__file__).with_name('weights.json')


def check_weights(paths: Sequence[str], *, name: str | None = None,
                  record: bool = False) -> bool:
    """Compare files with stated and noted hashes; print what was found.

    Notes are kept in hashes.json in $RCG_WEIGHTS, or in checkpoints/.

    Args:
        paths: Files, and folders of files.
        name: What the files are, a key of weights.json; by default told by
            the names of the files.
        record: Note the hashes that are not known.

    Returns:
        Whether nothing differs and every file is whole.

    Raises:
        FileNotFoundError: There is no such path, or no weights in it.
        ValueError: ``name`` is not in weights.json; the notes are damaged.
    """
    table = read_json(TABLE)['files']
    notes = Path(os.environ.get('RCG_WEIGHTS') or 'checkpoints',
                 'hashes.json')
    noted = _read_notes(notes) if notes.exists() else {}
    before, fine = dict(noted), True
    for path in _find_files(paths):
        key = _key_of(path, name, table)
        if not _check(path, key, table.get(key, {}), noted, record):
            fine = False
    if noted != before:
        notes.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(str(notes)) as file:
            file.write((json.dumps(noted, indent=1) + '\n').encode())
    return fine


def _read_notes(path: Path) -> dict[str, dict]:
    notes = read_json(path)
    for entry in notes.values():
        if not (isinstance(entry, dict) and type(entry.get('size')) is int
                and isinstance(entry.get('sha256'), str)
                and isinstance(entry.get('date'), str)):
            raise ValueError(f"'{path}' must hold size, sha256 and date of "
                             'each file: delete it, and note them again with '
                             '--record.')
    return notes


def _find_files(paths: Sequence[str]) -> list[Path]:
    """The given files, and those in folders that look like weights."""
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"There is no '{path}'.")
        found += [path] if path.is_file() else sorted(
            file for file in path.rglob('*') if file.suffix in SUFFIXES)
    if not found:
        raise FileNotFoundError(f'No weights in {", ".join(paths)}: no file '
                                f'ends in one of {", ".join(SUFFIXES)}.')
    return found


def _key_of(path: Path, name: str | None, table: dict) -> str | None:
    """The key of the table that a file is known by."""
    if name and name not in table:
        raise ValueError(f'--as {name}: known are {", ".join(table)}.')
    return name or next((key for key, entry in table.items()
                         if path.name in entry['names']), None)


def _check(path: Path, key: str | None, entry: dict, noted: dict,
           record: bool) -> bool:
    """Check one file; print the result; note its hash if wanted.

    Args:
        path: The file.
        key: What it is known by.
        entry: What the table says of it.
        noted: Size and hash of files by name. An entry may be added.
        record: Whether to add one.
    """
    wrong = what_is_wrong(path)
    if wrong and 'Unpack' not in wrong:  # an archive is as good as a file
        print(f'{path}: WRONG. {wrong}')
        return False
    size, sha256 = path.stat().st_size, file_sha256(str(path))
    print(f'{path}: {size:,} bytes, sha256 {sha256}\n{_source_of(path)}',
          end='')
    name, fine = key or path.name, True
    if 'sha256' in entry:
        fine = _agrees(size, sha256, entry)
        part = '' if len(entry['sha256']) == 64 else 'beginning of the '
        print(f'  {_verdict(fine)} the {part}hash of {key}, stated by: '
              f'{entry["hash_from"]}')
    if name in noted:
        same = _agrees(size, sha256, noted[name])
        print(f'  {_verdict(same)} what was noted as {name} on '
              f'{noted[name]["date"]}')
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


def _verdict(same: bool) -> str:
    return 'equal to' if same else 'DIFFERS from'


def _agrees(size: int, sha256: str, entry: dict) -> bool:
    """Whether size and (beginning of the) hash are as stated."""
    return entry.get('size', size) == size and sha256.startswith(
        entry['sha256'])


def _source_of(path: Path) -> str:
    """A line about the source that a converted file names, or nothing."""
    if path.suffix != '.safetensors':
        return ''
    with open_safetensors(path) as file:
        told = file.metadata() or {}
    if 'source_sha256' not in told:
        return ''
    return (f'  converted from {told["source"]}, sha256 '
            f'{told["source_sha256"]}\n')
