"""Mutated checkpoints: the readers give data or a CheckpointError."""
import io
import os
import pickle
import random
import resource
import struct
import zipfile
from pathlib import Path

import numpy as np
import psutil
import torch
from mmengine.logging import HistoryBuffer

from rcg.checkpoint import CheckpointError, read_checkpoint
from rcg.checkpoint.foreign import read_foreign
from tests.test_checkpoint.crafted import Reduce, by_opcodes

ROOM = 200 << 20  # bytes that a reader may take beyond what is there


def fuzz_pth(seed: int, cases: int, folder: str | Path) -> dict[str, int]:
    """Read mutated checkpoints in a process whose memory is bounded.

    Args:
        seed: Of the mutations.
        cases: Number of files, each for two readers.
        folder: A folder for them.

    Returns:
        How many readings gave data ('read'), and were refused ('refused').

    Raises:
        AssertionError: A reader raised something else, ran code, or ended
            its process. The message names the seed and the case; the file
            is kept.
    """
    folder = Path(folder)
    witness, report = folder / 'executed', folder / 'report'
    child = os.fork()
    if not child:
        status = 1
        try:
            _run(seed, cases, folder, witness, report)
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    last = report.read_text() if report.exists() else 'no case'
    assert status == 0, f'fuzz_pth({seed}): status {status} after {last}'
    assert not witness.exists(), f'fuzz_pth({seed}): code was run'
    words = last.split()
    return dict(read=int(words[1]), refused=int(words[3]))


def _run(seed, cases, folder, witness, report) -> None:
    """What the child does: it reports before each case, lest it crash."""
    bases = list(_bases(witness))
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    counts = dict(read=0, refused=0)
    for case in range(cases):
        rng = random.Random(f'{seed} {case}')
        path = folder / 'case.pth'
        path.write_bytes(_mutated(rng, rng.choice(bases)))
        for read in (read_checkpoint, read_foreign):
            report.write_text(f'case {case}, {read.__name__}')
            try:
                _touch(read(str(path)))
                counts['read'] += 1
            except CheckpointError as error:
                counts['refused'] += _is_a_sentence(str(error), str(path))
            except BaseException as error:
                report.write_text(f'case {case}, {read.__name__}, '
                                  f'{type(error).__name__}: {error}'[:500])
                raise
    report.write_text(f'read {counts["read"]} refused {counts["refused"]}')


def _is_a_sentence(text: str, path: str) -> bool:
    assert path in text and '\n' not in text and len(text) < 1000, text
    return True


def _touch(value) -> None:
    """Use all that was read: no tensor may leave the memory of its own."""
    if isinstance(value, torch.Tensor):
        value.clone()
    elif isinstance(value, dict):
        for item in value.values():
            _touch(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _touch(item)


def _bases(witness):
    """Sound files of several kinds, as bytes."""
    weights = {'a': torch.arange(24.).reshape(4, 6).T, 'b': torch.ones(3),
               'half': torch.ones(5).half(), 'none': torch.empty(0, 2)}
    history = HistoryBuffer([1., 2.], [1, 1])
    stock = {
        'state_dict': weights, 'meta': {'iter': 3, 'seed': np.int64(1)},
        'message_hub': {'log_scalars': {'loss': history}, 'runtime_info': {
            'x': np.arange(6.).reshape(2, 3), 'names': np.array(['a', 'b'])}},
        'optimizer': {'state': {0: {'step': torch.tensor(3.)}}}}
    for content in (weights, stock):
        for protocol in (2, 4):
            for new in (True, False):
                file = io.BytesIO()
                torch.save(content, file, pickle_protocol=protocol,
                           _use_new_zipfile_serialization=new)
                yield file.getvalue()
    for text in (*by_opcodes(witness), pickle.dumps(
            {'w': Reduce(np.ndarray, (4, ), 'O', b'A' * 32)}, 2)):
        yield _packed(text)


def _packed(text: bytes, storages: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('a/data.pkl', text)
        for name, content in (storages or {}).items():
            archive.writestr(f'a/data/{name}', content)
    return file.getvalue()


def _mutated(rng: random.Random, content: bytes) -> bytes:
    """The content with one to four changes.

    In half of the cases the pickle of a zip file is changed and packed
    again, with right checksums: else these would end every case.
    """
    if content[:2] == b'PK' and rng.random() < .5:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text, storages = b'', {}
            for info in archive.infolist():
                if info.filename.endswith('/data.pkl'):
                    text = archive.read(info)
                elif '/data/' in info.filename:
                    storages[info.filename.rpartition('/')[2]] = (
                        archive.read(info))
        return _packed(_changed(rng, text), storages)
    return _changed(rng, content)


def _changed(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        start = rng.randrange(max(len(data), 1))
        end = start + rng.choice([1, 1, 2, 4, 8, 100])
        rng.choice([_flip, _number, _noise, _cut, _copy, _opcode])(
            rng, data, start, end)
    return bytes(data)


def _flip(rng, data, start, end) -> None:
    if data:
        data[start] ^= 1 << rng.randrange(8)


def _number(rng, data, start, end) -> None:
    """A number at the edge of its range."""
    kind = rng.choice('BHIQ')
    most = (1 << 8 * struct.calcsize(kind)) - 1
    value = rng.choice([0, 1, most, most >> 1, (most >> 1) + 1, most >> 8])
    number = struct.pack('<' + kind, value)
    data[start:start + len(number)] = number


def _noise(rng, data, start, end) -> None:
    data[start:end] = rng.randbytes(min(end, len(data)) - start)


def _cut(rng, data, start, end) -> None:
    del data[start:rng.choice([end, len(data)])]


def _copy(rng, data, start, end) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = data[start:end]


def _opcode(rng, data, start, end) -> None:
    """An opcode of pickle, with what may follow it."""
    names = [getattr(pickle, name) for name in pickle.__all__
             if name.isupper() and isinstance(getattr(pickle, name), bytes)]
    data[start:start] = rng.choice(names) * rng.choice([1, 1, 1, 1000]) + (
        struct.pack('<Q', rng.choice([0, 3, 1 << 20, 1 << 40])))
