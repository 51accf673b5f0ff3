"""Read every image of a folder; list what is wrong with it.

    python tools/check_dataset.py FOLDER [--imagenet] [--workers 8]

With --imagenet, FOLDER holds train/ or val/ or both, with the classes and
numbers of images of ILSVRC 2012; val/ may be flat. Exit status 1 if a file
cannot be read or a number is wrong. A journal remembers the files that were
read (until they change), so that the same command goes on where it was.
"""
import argparse
import functools
import hashlib
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

IMAGENET = {'train': 1_281_167, 'val': 50_000}


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', help='folder of images, in any nesting')
    parser.add_argument('--imagenet', action='store_true')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument('--journals', default='work_dirs/check_dataset')
    parser.add_argument('--debug', action='store_true', help='tracebacks')
    return parser.parse_args(args)


def stamp(path: str) -> list[int]:
    """What tells whether a file was changed."""
    return [os.stat(path).st_size, os.stat(path).st_mtime_ns]


def inspect(path: str, root: str) -> dict:
    """Read one image whole: mode and shorter side, or what is wrong."""
    from PIL import Image

    from rcg.datasets.reading import UNREADABLE, read_image
    entry, full = dict(path=path), os.path.join(root, path)
    try:
        entry['stamp'] = stamp(full)
        if entry['stamp'][0] == 0:
            return dict(entry, error='the file is empty')
        with Image.open(full) as image:
            entry['mode'] = image.mode
        entry['side'] = min(read_image(full).shape[:2])
    except UNREADABLE as error:
        entry['error'] = f'{type(error).__name__}: {error}'
    return entry


def read_journal(journal: Path, root: str) -> dict[str, dict]:
    """Entries of the files that have not changed since."""
    entries = {}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            entry = json.loads(line)
            path, old = entry['path'], entry['stamp']
            if 'side' in entry and old == stamp(os.path.join(root, path)):
                entries[path] = entry
        except (ValueError, KeyError, OSError):
            continue  # cut off by a kill, or gone
    return entries


def inspect_all(root: str, paths: list[str], journals: str,
                workers: int) -> list[dict]:
    """Entries of all files, in order."""
    from rcg.datasets.map_files import map_files
    code = hashlib.sha256(os.path.realpath(root).encode()).hexdigest()[:8]
    journal = Path(journals, f'{Path(root).resolve().name}-{code}.jsonl')
    journal.parent.mkdir(parents=True, exist_ok=True)
    entries = read_journal(journal, root)
    todo = [path for path in paths if path not in entries]
    print(f'{root}: {len(paths)} images, {len(paths) - len(todo)} of them '
          f'read before ({journal})', flush=True)
    with open(journal, 'a', buffering=1) as file:  # a line at a time
        file.write('\n')  # the last line may have been cut off
        for path, entry in map_files(functools.partial(inspect, root=root),
                                     todo, workers):
            entries[path] = entry
            file.write(json.dumps(entry) + '\n')
    return [entries[path] for path in paths]


def report(entries: list[dict], sizes: Counter) -> list[str]:
    """Print numbers; return what is wrong with the files."""
    counts = sorted(sizes.values()) or [0]
    print(f'{len(sizes)} class folders of {counts[0]} to {counts[-1]} images')
    good = [entry for entry in entries if 'error' not in entry]
    modes = {}
    for entry in good:
        modes.setdefault(entry['mode'], []).append(entry['path'])
    for mode, paths in modes.items():
        some = f', converted when read: {paths[:5]}' * (mode != 'RGB')
        print(f'{len(paths)} images of mode {mode}{some}')
    sides = sorted(entry['side'] for entry in good) or [0]
    print(f'shorter side: {sides[0]} to {sides[-1]} pixels')
    return [f"'{entry['path']}' cannot be read ({entry['error']})"
            for entry in entries if 'error' in entry]


def imagenet_faults(split: str, count: int, sizes: Counter) -> list[str]:
    """What is not as in ILSVRC 2012."""
    faults, wanted = [], IMAGENET[split]
    if count != wanted:
        faults.append(f'{split} must have {wanted} images, got {count}')
    if len(sizes) != 1000 and (sizes or split == 'train'):
        faults.append(f'{split} must have 1000 class folders, got '
                      f'{len(sizes)}')
    odd = [name for name in sizes if not re.fullmatch(r'n\d{8}', name)]
    if odd:
        faults.append(f'{len(odd)} folders of {split} are not named like '
                      f'n01440764: {odd[:5]}')
    return faults


def run(args: argparse.Namespace) -> int:
    from rcg.datasets.folders import list_images
    faults, splits = [], ['']
    if args.imagenet:  # without both: list_images explains
        splits = [s for s in IMAGENET if Path(args.folder, s).exists()]
    for split in splits or ['train']:
        root = str(Path(args.folder, split))
        paths = list_images(root)
        sizes = Counter(path.split('/')[0] for path in paths if '/' in path)
        faults += report(inspect_all(root, paths, args.journals,
                                     args.workers), sizes)
        if split:
            faults += imagenet_faults(split, len(paths), sizes)
    print('\n'.join(faults) or 'no fault found')
    return int(bool(faults))


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'the same command goes on from here'):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
