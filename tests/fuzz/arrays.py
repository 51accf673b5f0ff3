"""Mutated files of statistics and of images in npz files."""
import functools
import io
import json
import pickle
import random
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np

from rcg.checkpoint import CheckpointError
from rcg.datasets.archive import ImageArchive
from rcg.evaluation.references.command_line import describe_npz
from rcg.evaluation.references.statistics_formats import read

from .harness import fuzz, mutated
from .texts import odd_json

_SHAPES = ['(3,)', '(3, 3)', '(2, 4, 4, 3)', '()', '(-1,)', '(0,)', '3',
           '(1 << 40,)', f'({1 << 45},)', f'({1 << 31}, {1 << 33})', '[3]',
           '(3L,)', '(' * 300, '(3, ' * 40, '(' + '9' * 500 + ',)', 'None']
_DTYPES = ["'<f8'", "'>f4'", "'|u1'", "'|O'", "'<U9'", "'<f2'", "'<c16'",
           "'|b1'", "'<M8[s]'", "[('a', '<f8'), ('b', '|O')]", "'V8'",
           "('<f8', (3,))", "'<U99999999'", '3', "'x'", "'<f8,<f8'"]


class _Code:
    """Pickles to a call that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark, )


def _array(rng: random.Random, array: np.ndarray, mark: Path) -> bytes:
    """Bytes of an array, or of what says that it is one."""
    content = io.BytesIO()
    if rng.random() < .05:
        np.save(content, np.array([_Code(mark)]))
        return content.getvalue()
    np.save(content, array)
    if rng.random() < .8:
        return content.getvalue()
    body = content.getvalue()[128:]
    pairs = [f"'descr': {rng.choice(_DTYPES)}",
             f"'fortran_order': {rng.choice(['True', 'False', '3'])}",
             f"'shape': {rng.choice(_SHAPES)}"]
    if rng.random() < .2:
        pairs.append(rng.choice(pairs))
    if rng.random() < .2:
        rng.shuffle(pairs)
    text = '{' + ', '.join(pairs) + ', }'
    if rng.random() < .1:
        text = rng.choice('({[-+\'"\\#') * rng.randrange(1, 9000)
    version = rng.choice([1, 1, 1, 2, 3, 4])
    head = struct.pack('<H' if version == 1 else '<I', len(text))
    return b'\x93NUMPY' + bytes([version, 0]) + head + text.encode() + body


def _npz(rng: random.Random, arrays: dict, mark: Path) -> bytes:
    """An npz file that is damaged in its bytes, its members, or both."""
    content = io.BytesIO()
    if rng.random() < .3:
        rng.choice([np.savez, np.savez_compressed])(content, **arrays)
        return mutated(rng, content.getvalue())
    with warnings.catch_warnings(), zipfile.ZipFile(content, 'w') as archive:
        warnings.simplefilter('ignore')  # of names that are there twice
        for name, array in arrays.items():
            if rng.random() < .1:
                array = arrays[rng.choice(list(arrays))]
            if rng.random() < .05:
                name = rng.choice([*arrays, '', '../x', 'a' * 300])
            archive.writestr(f'{name}.npy', _array(rng, array, mark),
                             rng.choice([0] * 9 + [8] * 9 + [12, 14]))
        for info in archive.infolist():  # what the directory says of them
            if rng.random() < .05:
                field = rng.choice(['file_size', 'compress_size', 'CRC',
                                    'header_offset'])
                setattr(info, field, rng.choice(
                    [0, 7, getattr(info, field) ^ 1, 1 << 30,
                     (1 << 32) - 1]))
            if rng.random() < .03:
                info.flag_bits ^= 1 << rng.randrange(8)
    done = content.getvalue()
    return mutated(rng, done) if rng.random() < .3 else done


def fuzz_statistics(seed: int, cases: int, folder: str | Path
                    ) -> dict[str, int]:
    """npz files of statistics; see :func:`tests.fuzz.harness.fuzz`."""
    mark = Path(folder, 'executed')

    def make(rng: random.Random) -> bytes:
        about = {'extractor': {'type': 'X'}, 'image_size': [4, 4]}
        if rng.random() < .3:
            about = odd_json(rng, about)
        return _npz(rng, dict(
            mu=np.arange(3.), sigma=np.eye(3), features=np.ones((5, 3)),
            about=np.array(json.dumps(about))), mark)

    def read_it(path: str) -> None:
        describe_npz(path)
        read(path)

    return fuzz('statistics.npz', seed, cases, folder, make, read_it,
                (ValueError, OSError))


def fuzz_image_archives(seed: int, cases: int, folder: str | Path
                        ) -> dict[str, int]:
    """npz files of images."""
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)

    def read_it(path: str) -> None:
        for part in ImageArchive(path).identity():
            sum(part)

    return fuzz('images.npz', seed, cases, folder, functools.partial(
        _npz, arrays={'arr_0': images, 'arr_1': np.arange(2)},
        mark=Path(folder, 'executed')), read_it, (ValueError, OSError))


def fuzz_edm2(seed: int, cases: int, folder: str | Path) -> dict[str, int]:
    """Pickles of statistics."""
    bases = [pickle.dumps({'fid': pair}, protocol) for protocol in (3, 4)
             for pair in ({'mu': np.arange(3.), 'sigma': np.eye(3)},
                          {'mu': _Code(Path(folder, 'executed'))})]
    return fuzz('statistics.pkl', seed, cases, folder,
                lambda rng: mutated(rng, rng.choice(bases)), read,
                (ValueError, OSError, CheckpointError))
