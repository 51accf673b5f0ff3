"""An npz file of any origin: what it says of itself is not believed."""
import io
import os
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from rcg.datasets.npz import (
    MAX_INFLATED_BYTES,
    array_names,
    map_array,
    read_arrays,
)

RNG = np.random.default_rng(0)
ARRAYS = [RNG.normal(size=(3, 4)), RNG.normal(size=5).astype('>f4'),
          np.asfortranarray(RNG.normal(size=(6, 2, 3))), np.array('text'),
          np.array([True, False]), np.array(3), np.zeros((0, 4), np.int8),
          np.array(['ab', 'ü']), RNG.normal(size=2) + 1j,
          RNG.normal(size=(4, 6))[:, ::2], np.array([b'x']),
          RNG.integers(0, 9, (300, 400, 3)).astype(np.float16)]


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_arrays_are_those_that_numpy_wrote(tmp_path, save):
    save(tmp_path / 'x.npz', *ARRAYS)
    names = [f'arr_{i}' for i in range(len(ARRAYS))]
    assert array_names(tmp_path / 'x.npz') == names
    found = read_arrays(tmp_path / 'x.npz', [*names, 'other'])
    assert list(found) == names
    for name, wanted in zip(names, ARRAYS, strict=True):
        for got in (found[name], map_array(tmp_path / 'x.npz', name)):
            assert got.shape == wanted.shape
            assert got.dtype.newbyteorder('=') == wanted.dtype.newbyteorder(
                '=')
            assert (got == wanted).all()
            assert not got.size or np.isfortran(got) == np.isfortran(wanted)
        assert found[name].dtype.isnative
        assert found[name].flags.writeable
    assert not read_arrays(tmp_path / 'x.npz', [])


@pytest.mark.parametrize('version', [(1, 0), (2, 0), (3, 0)])
def test_versions_of_the_format(tmp_path, version):
    content = io.BytesIO()
    np.lib.format.write_array(content, ARRAYS[0], version)
    write_zip(tmp_path / 'x.npz', {'a.npy': content.getvalue()})
    assert (read_arrays(tmp_path / 'x.npz', 'a')['a'] == ARRAYS[0]).all()
    assert (map_array(tmp_path / 'x.npz', 'a') == ARRAYS[0]).all()


def write_zip(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def array_of(header, body=bytes(16), version=1, length=None):
    """Bytes of an array whose header is a text of any kind."""
    text = header if isinstance(header, bytes) else header.encode()
    form = '<H' if version == 1 else '<I'
    length = len(text) if length is None else length
    return (b'\x93NUMPY' + bytes([version, 0]) + struct.pack(form, length)
            + text + body)


def header(descr="'<f8'", order='False', shape='(2,)', more=''):
    return (f"{{'descr': {descr}, 'fortran_order': {order}, "
            f"'shape': {shape}, {more}}}\n")


HEADERS = [
    header(shape='(-2,)'), header(shape='(-1, -2)'), header(shape='(3,)'),
    header(shape='(1,)'), header(shape='()'), header(shape='[2]'),
    header(shape=f'({1 << 45},)'), header(shape=f'({1 << 62}, 4, 0)'),
    header(shape='(' + '9' * 400 + ',)'), header(shape='(2, ' * 60),
    header(shape='(2 2)'), header(shape='(2,,)'), header(shape='(,)'),
    header(shape='(' + '9' * 9000), header(shape='(' + '1L ,' * 2000),
    header(shape='(4294967297, 4294967296)'), header(shape='(2.0,)'),
    header(shape='(True, 2)'), header(shape="('2',)"), header(shape='2'),
    header(shape='(' + '1, ' * 40 + '2)'), header(shape='(1e9,)'),
    header(shape='(2' + ' ' * 5000 + 'x)'),
    header("'|O'"), header("'O'"), header("'|V8'"), header("'<M8[s]'"),
    header("[('a', '<f4'), ('b', '<f4')]"), header("[('a', '|O')]"),
    header("('<f4', (2,))"), header("'<f4,<f4'"), header("'<f3'"),
    header("'<f0'"), header("'f'"), header("'<U99999999999'"), header('8'),
    header("'<U0'"), header("'S0'", shape=f'({1 << 40},)'),
    header("__import__('os').system('true')"), header("'<f8' * 10**9"),
    header(order='None'), header(order="'False'"), header(order='(2,)'),
    header(more="'descr': '<f8',"), header(more="'x': 1,"),
    header(more='**{}'), '{', '', '}', '[' * 200, '(' * 5000, '{' * 9000,
    "{'descr': '", '{"' * 50, '\\', '\x00' * 50, b'\xff\xfe' * 20,
    "{'descr': '<f8', 'shape': (2,)}", '-' * 5000 + '1', 'lambda: 0',
    header().replace(':', ' '), header().replace('{', '').replace('}', ''),
    header() + header(), header('"<f8"').replace("'", "'''"),
]


def refused(path, name='a', message='no npz file'):
    """See that every function refuses a file at once, in little memory."""
    started = time.monotonic()
    tracemalloc.start()
    for call in (lambda: read_arrays(path, [name]),
                 lambda: map_array(path, name)):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 600 + len(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert time.monotonic() - started < 1


@pytest.mark.parametrize('method', [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_that_lie_or_hold_something_else(tmp_path, method):
    for number, text in enumerate(HEADERS):
        write_zip(tmp_path / 'x.npz', {
            'a.npy': array_of(text, version=1 + number % 3)}, method)
        refused(tmp_path / 'x.npz')


@pytest.mark.parametrize('content', [
    b'', b'\x93NUMPY', b'\x93NUMPX\x01\x00' + bytes(100),
    array_of(header(), version=0), array_of(header(), version=4),
    array_of(header(), version=9), array_of(header(), length=60000),
    array_of(header(), version=2, length=(1 << 32) - 1),
    array_of(header() + ' ' * 20000, version=2), array_of(header(), bytes(15)),
    array_of(header(), bytes(17)), b'PK\x03\x04' * 10,
    array_of(header("'|b1'"), b'\x01\x02'),
    array_of(header("'S0'", shape=f'({1 << 40},)'), b''),
    array_of(header("'<U0'", shape=f'({1 << 40},)'), b''),
    array_of(header(shape=f'({1 << 62}, 4, 0)'), b'')])
def test_members_that_are_no_array(tmp_path, content):
    write_zip(tmp_path / 'x.npz', {'a.npy': content}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match='no npz file'):
        read_arrays(tmp_path / 'x.npz', ['a'])


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(tmp_path, method):
    write_zip(tmp_path / 'x.npz', {'a.npy': array_of(header())}, method)
    refused(tmp_path / 'x.npz', message='is compressed by method')


def patched(tmp_path, local, central, value, form='<H', size=2):
    """A file with one field replaced in both headers of its member."""
    write_zip(tmp_path / 'x.npz', {'a.npy': array_of(header())})
    content = bytearray((tmp_path / 'x.npz').read_bytes())
    directory = content.index(b'PK\x01\x02')
    for place in ([] if local is None else [local]) + [directory + central]:
        content[place:place + size] = struct.pack(form, value)
    (tmp_path / 'x.npz').write_bytes(content)
    return tmp_path / 'x.npz'


@pytest.mark.parametrize(('local', 'central', 'value', 'form', 'size'), [
    (6, 8, 1, '<H', 2),  # encrypted
    (6, 8, 0x41, '<H', 2),  # strongly
    (6, 8, 0x20, '<H', 2),  # a patch
    (8, 10, 9, '<H', 2),  # Deflate64
    (8, 10, 97, '<H', 2),
    (8, 10, 8, '<H', 2),  # deflated, but is not
    (None, 6, 99, '<H', 2),  # made for a later version
    (14, 16, 7, '<I', 4),  # checksum, of what is read
    (None, 20, 1 << 30, '<I', 4),  # compressed size
    (None, 20, 10, '<I', 4),
    (None, 24, 1 << 31, '<I', 4),  # size
    (None, 24, 5, '<I', 4),
    (None, 42, 1 << 31, '<I', 4),  # where its header is
    (None, 42, 7, '<I', 4),
    (26, 28, 0xffff, '<H', 2),
    (28, 30, 0xffff, '<H', 2),  # length of the extra field
])
def test_fields_of_the_zip_archive(tmp_path, local, central, value, form,
                                   size):
    path = patched(tmp_path, local, central, value, form, size)
    with pytest.raises(ValueError, match='no npz file'):
        read_arrays(path, ['a'])


def test_a_header_that_reaches_into_the_directory(tmp_path):
    path = patched(tmp_path, 28, 30, 0)
    content = bytearray(path.read_bytes())
    content[28:30] = struct.pack('<H', 40)  # the local header alone
    path.write_bytes(content)
    refused(path)


def test_a_flipped_byte_of_what_is_read(tmp_path):
    np.savez(tmp_path / 'x.npz', a=ARRAYS[0])
    content = bytearray((tmp_path / 'x.npz').read_bytes())
    content[content.index(ARRAYS[0].tobytes()) + 5] ^= 1
    (tmp_path / 'x.npz').write_bytes(content)
    with pytest.raises(ValueError, match='CRC'):
        read_arrays(tmp_path / 'x.npz', ['a'])


def test_two_members_of_one_name_or_place(tmp_path):
    with zipfile.ZipFile(tmp_path / 'x.npz', 'w') as archive:
        archive.writestr('a.npy', array_of(header()))
        with pytest.warns(UserWarning, match='Duplicate'):
            archive.writestr('a.npy', array_of(header()))
    refused(tmp_path / 'x.npz', message="2 members are named 'a'")
    with zipfile.ZipFile(tmp_path / 'x.npz', 'w') as archive:
        archive.writestr('b.npy', array_of(header()))
        archive.writestr('a.npy', array_of(header()))
        archive.infolist()[1].header_offset = 0
        archive.infolist()[1].filename = 'b.npy'
        archive.infolist()[0].filename = 'a.npy'
    refused(tmp_path / 'x.npz')
    with zipfile.ZipFile(tmp_path / 'x.npz', 'w') as archive:
        archive.writestr('a', array_of(header()))
        archive.writestr('a.npy', array_of(header()))
    refused(tmp_path / 'x.npz', message='2 members')


def test_what_inflates_beyond_the_file(tmp_path):
    count = MAX_INFLATED_BYTES // 8 + 1
    for shape in ((count, ), (2, count // 2 + 1)):
        with zipfile.ZipFile(tmp_path / 'x.npz', 'w',
                             zipfile.ZIP_DEFLATED) as archive, \
                archive.open('a.npy', 'w') as member:
            member.write(array_of(header(shape=str(shape)), b''))
            for _ in range(0, 8 * np.prod(shape), 1 << 22):
                member.write(bytes(1 << 22))
        refused(tmp_path / 'x.npz', message='it inflates to')
    # Uniform images are fine up to the limit.
    np.savez_compressed(tmp_path / 'x.npz', np.zeros((1 << 23), np.uint8))
    assert not read_arrays(tmp_path / 'x.npz', ['arr_0'])['arr_0'].any()


def test_a_directory_without_end(tmp_path):
    entry = struct.pack('<4s6H3I5H2I', b'PK\1\2', 20, 20, 0, 0, 0, 0, 0, 0,
                        0, 1, 0, 0, 0, 0, 0, 0) + b'a'
    count = 60_000
    (tmp_path / 'x.npz').write_bytes(entry * count + struct.pack(
        '<4s4H2IH', b'PK\5\6', 0, 0, count, count, len(entry) * count, 0, 0))
    refused(tmp_path / 'x.npz', message='directory is too long')


def test_truncated_at_every_place(tmp_path):
    np.savez(tmp_path / 'x.npz', a=ARRAYS[0])
    content = (tmp_path / 'x.npz').read_bytes()
    for end in range(0, len(content), 11):
        (tmp_path / 'x.npz').write_bytes(content[:end])
        with pytest.raises(ValueError, match='no npz file'):
            read_arrays(tmp_path / 'x.npz', ['a'])


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / 'x.npz', ['a'])
    os.mkfifo(tmp_path / 'x.npz')
    with pytest.raises(ValueError, match='is a named pipe'):
        map_array(tmp_path / 'x.npz', 'a')
    np.savez(tmp_path / 'y.npz', b=1)
    with pytest.raises(ValueError, match='there is no a'):
        map_array(tmp_path / 'y.npz', 'a')
