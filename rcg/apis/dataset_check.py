"""Checks of a folder of images before a model is trained on it."""
import functools
import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path

from rcg.datasets.folders import list_images
from rcg.datasets.map_files import map_files
from rcg.datasets.reading import UNREADABLE, open_image, read_image
from rcg.files import open_regular, parse_json

IMAGENET = {'train': 1_281_167, 'val': 50_000}  # images of ILSVRC 2012


def check_dataset(folder: str, *, imagenet: bool = False,
                  workers: int | None = None,
                  journals: str = 'work_dirs/check_dataset') -> list[str]:
    """Read every image of a folder; print numbers, return faults.

    A journal remembers the files that were read, until they change. So a
    call that was interrupted goes on when it is made again.

    Args:
        folder: Folder of images, in any nesting.
        imagenet: It holds train/, val/ or both, with the classes and numbers
            of images of ILSVRC 2012; val/ may be flat.
        workers: Processes that read; by default one for each core.
        journals: Folder of the journals.

    Raises:
        FileNotFoundError: There is no such folder, or no image in it.
    """
    if workers is None:
        workers = os.cpu_count()
    faults, splits = [], ['']
    if imagenet:  # if there is neither, list_images says what is missing
        splits = [split for split in IMAGENET
                  if Path(folder, split).exists()] or ['train']
    for split in splits:
        root = str(Path(folder, split))
        paths = list_images(root)
        sizes = Counter(path.split('/')[0] for path in paths if '/' in path)
        entries = _inspect_all(root, paths, journals, workers)
        _print_numbers(entries, sizes)
        faults += [f"'{entry['path']}' cannot be read ({entry['error']})"
                   for entry in entries if 'error' in entry]
        if split:
            faults += imagenet_faults(split, len(paths), sizes)
    return faults


def imagenet_faults(split: str, count: int,
                    sizes: dict[str, int]) -> list[str]:
    """How a split differs from that of ILSVRC 2012.

    Args:
        split: train or val.
        count: Number of images.
        sizes: Number of images by class folder.
    """
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


def _inspect_all(root: str, paths: list[str], journals: str,
                 workers: int) -> list[dict]:
    """An entry of the journal for each file, in order."""
    code = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:8]
    journal = Path(journals, f'{Path(root).resolve().name}-{code}.jsonl')
    journal.parent.mkdir(parents=True, exist_ok=True)
    entries = _read_journal(journal, root)
    todo = [path for path in paths if path not in entries]
    print(f'{root}: {len(paths)} images, {len(paths) - len(todo)} of them '
          f'read before ({journal})', flush=True)
    with open(journal, 'a', 1, encoding='utf-8') as file:  # by lines
        file.write('\n')  # the last line may have been cut off
        for path, entry in map_files(functools.partial(inspect, root=root),
                                     todo, workers):
            entries[path] = entry
            file.write(json.dumps(entry) + '\n')
    return [entries[path] for path in paths]


def inspect(path: str, root: str) -> dict:
    """Read one image whole: mode and shorter side, or what is wrong."""
    entry, full = dict(path=path), os.path.join(root, path)
    try:
        entry['stamp'] = _stamp(full)
        if entry['stamp'][0] == 0 and os.path.isfile(full):
            return dict(entry, error='the file is empty')
        with open_image(full) as image:
            entry['mode'] = image.mode
        entry['side'] = min(read_image(full).shape[:2])
    except UNREADABLE as error:
        entry['error'] = f'{type(error).__name__}: {error}'
    return entry


def _stamp(path: str) -> list[int]:
    """Size and time, which differ if a file was changed."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns]


def _read_journal(journal: Path, root: str) -> dict[str, dict]:
    """Entries of good files that have not changed since."""
    entries = {}
    if not journal.exists():
        return entries
    with open_regular(journal) as file:
        # Lines have some 100 bytes; one without end is read in parts.
        for line in iter(lambda: file.readline(1 << 16), b''):
            try:
                entry = parse_json(line)
                path, old = entry['path'], entry['stamp']
                if (isinstance(path, str) and isinstance(entry['mode'], str)
                        and type(entry['side']) is int
                        and old == _stamp(os.path.join(root, path))):
                    entries[path] = entry
            except (ValueError, KeyError, OSError):
                continue  # cut off by a kill, or the file is gone
    return entries


def _print_numbers(entries: list[dict], sizes: dict[str, int]) -> None:
    """Print sizes of class folders, modes, and shorter sides."""
    counts = sorted(sizes.values()) or [0]
    print(f'{len(sizes)} class folders of {counts[0]} to {counts[-1]} images')
    good = [entry for entry in entries if 'error' not in entry]
    modes = {}
    for entry in good:
        modes.setdefault(entry['mode'], []).append(entry['path'])
    for mode, paths in modes.items():
        some = '' if mode == 'RGB' else (
            f', converted when read: {paths[:5]}')
        print(f'{len(paths)} images of mode {mode}{some}')
    sides = sorted(entry['side'] for entry in good) or [0]
    print(f'shorter side: {sides[0]} to {sides[-1]} pixels')
