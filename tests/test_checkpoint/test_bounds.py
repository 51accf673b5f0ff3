"""Small files that ask for much are refused before time or memory goes."""
import _codecs as codecs
import os
import pickle
import resource
import socket
import struct
import time
import zipfile
from collections import OrderedDict

import psutil
import pytest
import torch

from rcg.checkpoint import CheckpointError, read_checkpoint
from rcg.checkpoint.foreign import read_foreign
from rcg.checkpoint.inert import MAX_STEPS
from rcg.checkpoint.values import MAX_DEPTH

from .crafted import Pid, Reduce, pickled, zip_with

ROOM = 100 << 20  # bytes
SECONDS = 5.  # of a busy machine's processor; a second of an idle one's


def shared(kind, depth=60):
    value = 'x'
    for _ in range(depth):
        value = (dict.fromkeys('ab', value) if kind is dict
                 else kind([value, value]))
    return value


def nested(kind, depth):
    opening, closing = {list: (b']' * depth, b'a' * (depth - 1)),
                        dict: (b'}K\1' * (depth - 1) + b'}',
                               b's' * (depth - 1)),
                        tuple: (b')', b'\x85' * (depth - 1))}[kind]
    return b'\x80\2}X\1\0\0\0x' + opening + closing + b's.'


def storage(size=4, key='x', kind=torch.FloatStorage, *view):
    return Pid('storage', kind, key, 'cpu', size, *view)


def tensor(of, size=(4, ), stride=(1, ), offset=0):
    return Reduce(torch._utils._rebuild_tensor_v2, of, offset, size, stride,
                  False, OrderedDict())


def text(*opcodes):
    """A pickle of a dict with the value that opcodes make."""
    return b'\x80\2}X\1\0\0\0x' + b''.join(opcodes) + b's.'


def length(kind, count):
    return struct.pack('<' + kind, count)


def of(value, protocol=2):
    return pickled({'x': value}, protocol)


ROW = [(i, i) for i in range(5_000)]
LETTERS = 'x' * 65536


def pickles():
    """By name; not made at import, since some are large."""
    return {
        'lists of lists': pickled({'message_hub': shared(list)}),
        'dicts of dicts': pickled({'meta': shared(dict)}),
        'tuples of tuples': pickled({'optimizer': shared(tuple)}),
        'lists in a dict of pairs': pickled({'state_dict': OrderedDict(
            a=shared(list))}),
        'a key of tuples': of(Reduce(OrderedDict, [(shared(tuple), 1)])),
        'lists 30,000 deep': nested(list, 30_000),
        'dicts 30,000 deep': nested(dict, 30_000),
        'tuples 30,000 deep': nested(tuple, 30_000),
        'a little too deep': nested(list, MAX_DEPTH + 1),
        'calls 30,000 deep': text(b'cos\nsystem\n0' + b'cos\nsystem\nq\0'
                                   + b'h\0' * 29_999 + b')'
                                   + b'R\x85' * 29_999 + b'R'),
        'a list in itself': b'\x80\2}X\1\0\0\0x]q\1h\1as.',
        'marks': text(b'(' * (MAX_STEPS + 1)),
        'a long integer': text(b'\x8b' + length('i', 1 << 16)
                               + b'\1' * (1 << 16)),
        'a longer one': text(b'\x8b' + length('i', 1 << 30)),
        'a negative length': text(b'\x8b' + length('i', -1)),
        'digits': text(b'L' + b'9' * 100_000 + b'L\n'),
        'hexadecimal digits': text(b'I0x' + b'f' * 100_000 + b'\n'),
        'long names': b'\x80\4}X\1\0\0\0x(' + b'X' + length('I', 1 << 20)
        + b'a' * (1 << 20) + b'q\0' + b'h\0h\0\x93' * 1000 + b'ls.',
        'a text': text(b'\x8d' + length('Q', 1 << 40)),
        'bytes': text(b'\x8e' + length('Q', 1 << 40)),
        'a bytearray': text(b'\x96' + length('Q', 1 << 40)),
        'a frame': b'\x80\4\x95' + length('Q', 1 << 40) + b'}.',
        'a negative text': text(b'T' + length('i', -5)),
        'a place in the memo': text(b'j' + length('I', 0xffffffff)),
        'an extension': text(b'\x84' + length('i', 1)),
        # A dict of them would take hours here, too: only their opcodes.
        'keys of one hash': text(b'}', b''.join(
            pickle.dumps(i * ((1 << 61) - 1), 2)[2:-1] + b'K\0s'
            for i in range(1, 20_000))),
        'one text decoded often': of([Reduce(codecs.encode, LETTERS, 'latin1')
                                      for _ in range(2_000)]),
        'one list made a dict often': of([Reduce(OrderedDict, ROW)
                                          for _ in range(2_000)]),
        'many arguments often': text(
            b'ccollections\ndefaultdict\nq\0(' + b'K\1' * 50_000 + b'tq\1R',
            b'h\0h\1R0' * 50_000),
        'more weights than there are': of(
            tensor(storage(), (1 << 40, ), (0, ))),
        'many large views': of([tensor(storage(), (1 << 20, ), (0, ))
                                for _ in range(1000)]),
        'a negative size': of(tensor(storage(), (-4, ))),
        'a size that overflows': of(tensor(storage(), (1 << 62, 4), (0, 0))),
        'sizes whose product overflows': of(tensor(
            storage(), (1 << 32, 1 << 32, 0), (0, 0, 0))),
        'a negative stride': of(tensor(storage(), (2, ), (-1, ), 3)),
        'a stride that overflows': of(tensor(storage(), (3, ),
                                             ((1 << 63) - 1, ))),
        'an offset that overflows': of(
            tensor(storage(), offset=(1 << 63) - 2)),
        'beyond the last element': of(tensor(storage(), (2, 2), (2, 2))),
        'a storage of another size': of(tensor(storage(1 << 40))),
        'a storage of another type': of([
            tensor(storage()), tensor(storage(2, 'x', torch.DoubleStorage))]),
        'truths that are neither': of(tensor(
            storage(16, 'x', torch.BoolStorage))),
        'quantized': of(tensor(storage(16, 'x', torch.QInt8Storage))),
        'a part beyond its storage': of(tensor(
            storage(4, 'x', torch.FloatStorage, ('x', 2, 1 << 40)))),
        'a part before its storage': of(tensor(
            storage(4, 'x', torch.FloatStorage, ('x', -2, 4)), offset=2)),
        'no storage': of(tensor('x')),
        'a tensor of a tensor': of(tensor(tensor(storage()))),
        'sparse': of(Reduce(
            torch._utils._rebuild_sparse_tensor, torch.sparse_coo,
            (tensor(storage()), tensor(storage()), (1 << 40, )))),
        'a wrapper': of(Reduce(
            torch._utils._rebuild_wrapper_subclass, torch.Tensor,
            torch.float32, (1 << 40, ), (1, ), 0, torch.strided, 'cpu',
            False)),
        'by way of numpy': of(Reduce(
            torch._utils._rebuild_device_tensor_from_numpy, b'', torch.float32,
            'cpu', False)),
    }


def sound(folder):
    """A file of torch with one tensor of 4 MB, and its bytes."""
    path = folder / 'a.pth'
    torch.save({'w': torch.ones(1 << 20)}, path)
    return path, bytearray(path.read_bytes())


def compressed_pickle(folder):
    zip_with(folder / 'a.pth', of('x' * (16 << 20)), zipfile.ZIP_DEFLATED)


def compressed_weights(folder):
    zip_with(folder / 'a.pth', of(tensor(storage(1 << 24), (1 << 24, ))),
             zipfile.ZIP_DEFLATED, x=bytes(4 << 24))


def replaced(folder, old, new, count=1):
    """A file some of whose bytes, from the end, are others."""
    path, content = sound(folder)
    for _ in range(count):
        start = content.rindex(old)
        content[start:start + len(new)] = new
    path.write_bytes(content)


def overlapping(folder):
    """Two members with the same bytes."""
    with zipfile.ZipFile(folder / 'a.pth', 'w') as archive:
        archive.writestr('a/data/x', bytes(16))
        first = archive.filelist[0]
        archive.writestr('a/data.pkl', of(tensor(storage())))
        archive.filelist.append(first)


def twice(folder):
    with zipfile.ZipFile(folder / 'a.pth', 'w') as archive:
        archive.writestr('a/data.pkl', of(1))
        archive.writestr('b/data.pkl', of(2))


def legacy(folder, size=4, stored=4, key='x', keys=('x', )):
    """The format before torch 1.6, with lengths that may be false."""
    head = [0x1950a86a20f9469cfc6c, 1001, {'little_endian': True},
            {'x': tensor(storage(size, key), (size, ))}, list(keys)]
    (folder / 'a.pth').write_bytes(
        b''.join(map(pickled, head)) + struct.pack('<q4f', stored, 1, 2, 3, 4))


FILES = {
    'a compressed pickle': compressed_pickle,
    'compressed weights': compressed_weights,
    'overlapping members': overlapping,
    'two pickles': twice,
    'a size beyond the file': lambda folder: replaced(
        folder, struct.pack('<II', 4 << 20, 4 << 20),
        struct.pack('<II', 1 << 31, 1 << 31), 2),
    'a size of 64 bits': lambda folder: replaced(
        folder, struct.pack('<II', 4 << 20, 4 << 20), b'\xff' * 8, 2),
    'many entries': lambda folder: replaced(
        folder, b'PK\5\6\0\0\0\0', b'PK\5\6\0\0\0\0' + b'\xff' * 14),
    'a far directory': lambda folder: replaced(
        folder, b'PK\6\6', b'PK\6\6' + b'\xff' * 52),
    'a legacy size beyond the file': lambda folder: legacy(folder, 1 << 40),
    'a legacy size that differs': lambda folder: legacy(folder, 4, 1 << 40),
    'a negative legacy size': lambda folder: legacy(folder, 4, -1),
    'legacy, another key': lambda folder: legacy(folder, keys=('y', )),
    'legacy, a key too many': lambda folder: legacy(folder, keys='xyz'),
    'legacy, no keys': lambda folder: legacy(folder, keys=()),
    'safetensors, a long header': lambda folder: (
        folder / 'a.pth').write_bytes(length('Q', 1 << 40) + b'{' * 99),
    'legacy, text without end': lambda folder: (
        folder / 'a.pth').write_bytes(b'\x80\2c' + b'x' * (1 << 20)),
}
# Of these the inert reader keeps placeholders, which nobody walks over.
HARMLESS = {'calls 30,000 deep', 'sparse', 'a wrapper', 'by way of numpy',
            'a key of tuples'}
# A million opcodes: enough for one reader.
SLOW = {'marks', 'keys of one hash'}


def test_reading_is_bounded(tmp_path):
    """In a process with 100 MB to spare, each within seconds."""
    for name, make in FILES.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name)
    for name, content in pickles().items():
        (tmp_path / name).mkdir()
        zip_with(tmp_path / name / 'a.pth', content,
                 x=struct.pack('4f', 1, 2, 3, 4))
    names = sorted(path.name for path in tmp_path.iterdir())
    report = tmp_path / 'report'
    child = os.fork()
    if not child:
        try:
            read_all(tmp_path, names, report)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    lines = report.read_text().splitlines()
    assert lines[-1:] == ['end'], f'the process ended after {lines[-1:]}'
    assert not lines[:-1], '\n'.join(lines)


def read_all(folder, names, report):
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with open(report, 'w', buffering=1) as log:
        for name in names:
            for read in (read_checkpoint, read_foreign)[:1 + (
                    name not in SLOW)]:
                start, result = time.process_time(), 'read'
                try:
                    read(str(folder / name / 'a.pth'))
                except CheckpointError as error:
                    result = str(error)
                except BaseException as error:
                    result = repr(error)[:200]
                taken = time.process_time() - start
                fine = 'a.pth' in result and 'memory' not in result or (
                    result == 'read' and read is read_foreign
                    and name in HARMLESS)
                if taken > SECONDS or not fine:
                    log.write(f'{name}, {read.__name__}: {taken:.1f} s, '
                              f'{result}\n')
        log.write('end\n')


def test_what_lies_within_the_bounds_is_read(tmp_path):
    path = tmp_path / 'a.pth'
    zip_with(path, nested(list, MAX_DEPTH - 1))
    depth, value = 0, read_checkpoint(path)['x']
    while value:
        value, depth = value[0], depth + 1
    assert depth == MAX_DEPTH - 2
    twice = [1, [2]]
    torch.save({'a': twice, 'b': [twice] * 1000, 'c': list(range(1 << 18))},
               path)
    found = read_checkpoint(path)
    assert found['b'] == [twice] * 1000
    legacy(tmp_path)
    for read in (read_checkpoint, read_foreign):
        assert read(path)['x'].tolist() == [1, 2, 3, 4]


@pytest.fixture
def no_file(tmp_path, request):
    """Paths that are no regular files."""
    path = tmp_path / 'a.pth'
    if request.param == 'FIFO':
        os.mkfifo(path)
    elif request.param == 'link to a FIFO':
        os.mkfifo(tmp_path / 'b')
        path.symlink_to(tmp_path / 'b')
    elif request.param == 'device':
        path.symlink_to('/dev/zero')
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    return path


@pytest.mark.parametrize('no_file', ['FIFO', 'link to a FIFO', 'device',
                                     'socket'], indirect=True)
@pytest.mark.parametrize('read', [read_checkpoint, read_foreign])
def test_only_regular_files_are_opened(no_file, read):
    with pytest.raises(CheckpointError, match='not a file but a device'):
        read(no_file)


def test_links_to_files_are_followed(tmp_path):
    torch.save({'w': 1}, tmp_path / 'a.pth')
    (tmp_path / 'b.pth').symlink_to(tmp_path / 'a.pth')
    (tmp_path / 'c.pth').symlink_to(tmp_path / 'c.pth')
    for read in (read_checkpoint, read_foreign):
        assert read(tmp_path / 'b.pth') == {'w': 1}
        with pytest.raises(FileNotFoundError, match='c.pth'):
            read(tmp_path / 'c.pth')
