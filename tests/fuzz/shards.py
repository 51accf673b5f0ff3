"""Mutated tar shards, most of them with checksums that fit."""
import io
import random
import tarfile
from pathlib import Path

from rcg.datasets.shard_index import read_member, scan

from .harness import fuzz, mutated

_FILES = {'d/0.png': b'image', 'd/0.json': b'{"label": 3}',
          '1.jpg': b'x' * 600, '1.cls': b'7\n',
          'n' * 120 + '.png': b'long', 'ä.txt': b''}


def _base(form: int) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode='w', format=form) as tar:
        for name, body in _FILES.items():
            if form == tarfile.USTAR_FORMAT:
                name = name[-90:]
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return content.getvalue()


def _made(rng: random.Random, bases: list[bytes]) -> bytes:
    content = bytearray(rng.choice(bases))
    if rng.random() < .2:
        return mutated(rng, bytes(content))
    for _ in range(rng.randrange(1, 3)):
        start = rng.randrange(len(content) // 512) * 512
        block = bytearray(mutated(rng, bytes(content[start:start + 512])))
        field = rng.choice([(0, 100), (124, 12), (156, 1), (257, 6), (345, 9)])
        for _ in range(rng.randrange(3)):
            place = field[0] + rng.randrange(field[1])
            block[place:place + 1] = rng.choice(
                [b'0', b'7', b'\x80', b'\xff', b'/', b'.', b'x', b'g', b'L',
                 b'1', b'5', b'\0'])
        block = block[:512].ljust(512, b'\0')
        block[148:156] = b' ' * 8
        block[148:156] = b'%06o\0 ' % sum(block)
        content[start:start + 512] = block
    return bytes(content)


def fuzz_tar_shards(seed: int, cases: int, folder: str | Path
                    ) -> dict[str, int]:
    """Tar files; see :func:`tests.fuzz.harness.fuzz`."""
    bases = [_base(form) for form in (
        tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]

    def read(path: str) -> None:
        index = scan(path)
        for number, row in enumerate(index.rows):
            assert index.name(number)
            size = int(row['size'])
            assert size == len(read_member(path, index.head,
                                           int(row['offset']), size))

    return fuzz('shard.tar', seed, cases, folder,
                lambda rng: _made(rng, bases), read, (ValueError, OSError))
