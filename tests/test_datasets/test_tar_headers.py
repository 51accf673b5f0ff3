"""Members of tar files as Python has them; hostile files are refused."""
import gzip
import io
import struct
import tarfile

import pytest

from rcg.datasets.tar_headers import members

from .shards import write_tar

FORMATS = {'ustar': tarfile.USTAR_FORMAT, 'gnu': tarfile.GNU_FORMAT,
           'pax': tarfile.PAX_FORMAT}
LONG = 'd/' * 80 + 'n' * 90 + '.jpg'


def of(content):
    return [tuple(member) for member in members(io.BytesIO(content))]


def checked(block):
    """A header with the right checksum."""
    block[148:156] = b' ' * 8
    block[148:156] = b'%06o\0 ' % sum(block)
    return block


def header(name=b'a.jpg', size=b'%011o\0' % 3, kind=b'0', magic=b'ustar\0',
           more=b''):
    block = bytearray(512)
    block[:len(name)] = name
    block[124:136] = size
    block[156:157] = kind
    block[257:257 + len(magic)] = magic
    return bytes(checked(block)) + more


END, BODY = bytes(1024), b'abc' + bytes(509)


@pytest.mark.parametrize('form', FORMATS)
def test_members_are_those_that_python_finds(form, tmp_path):
    names = ['a.jpg', './b.cls', 'd/empty.txt', 'ä' * 40 + '.png']
    if form != 'ustar':
        names.append(LONG)
    else:  # 155 bytes in the prefix, 100 in the name
        names.append(LONG[12:])
    files = {name: bytes(i * 300) for i, name in enumerate(names)}
    folder = dict(type=tarfile.DIRTYPE)
    path = write_tar(tmp_path / 'x.tar', {
        'd': folder, **files}, FORMATS[form])
    with tarfile.open(path) as tar:
        wanted = [(m.name.removeprefix('./'), m.offset_data, m.size)
                  for m in tar if m.isreg()]
    assert of(path.read_bytes()) == wanted
    assert len(wanted) == len(names)


def test_old_headers_and_binary_sizes():
    binary = b'\x80' + (3).to_bytes(11, 'big')
    old = header(kind=b'\0', magic=b'') + BODY
    assert of(old + header(b'b', binary) + BODY + header(
        b'c/', b'%011o\0' % 0, b'\0') + END) == [
            ('a.jpg', 512, 3), ('b', 1536, 3)]


@pytest.mark.parametrize(('content', 'message'), [
    (b'', 'cut off before byte 512'),
    (b'\xff\xd8' + bytes(600), 'does not begin like a tar'),
    (gzip.compress(header() + BODY + END * 2) + bytes(512),
     'compressed with gzip'),
    (header() + BODY, 'cut off before byte 1,536: two'),
    (header() + b'abc', 'cut off before byte 1,536'),
    (header(size=b'%011o\0' % 5000) + BODY + END, "'a.jpg' should end at"),
    (header(size=b'77777777777\0') + BODY + END, 'should end at'),
    (header(size=b'\x80' + b'\xff' * 11) + BODY + END, 'should end at'),
    (header(size=b'\xff' * 12) + BODY + END, 'for a number'),
    (header(size=b'-0000000003\0') + BODY + END, 'for a number'),
    (header(size=bytes(12)) + BODY + END, 'for a number'),
    (header() + BODY + header()[:200] + bytes(312) + END, '1,024 is damaged'),
    (header(kind=b'1') + END, 'a hard link'),
    (header(kind=b'2') + END, 'a symbolic link.*--dereference'),
    (header(kind=b'3') + END, 'a device'),
    (header(kind=b'6') + END, 'a named pipe'),
    (header(kind=b'S') + END, 'sparse'),
    (header(kind=b'Z') + END, 'unknown kind'),
    (header(b'/etc/a.jpg') + BODY + END, 'leads out'),
    (header(b'x/../../a.jpg') + BODY + END, 'leads out'),
    (header(b'') + BODY + END, 'no name'),
    (header(b'../', b'%011o\0' % 0, b'5') + END, 'leads out'),
    (header(kind=b'L', size=b'77777777777\0') + END, 'at most 1,048,576'),
    (header(kind=b'x', size=b'%011o\0' % 600) + END[:512], 'cut off'),
    (header(kind=b'x') + BODY + END, 'records of an extended'),
    (header(kind=b'L') + BODY + END, 'no member after it'),
    (header() + BODY + END + header() + BODY + END, 'more comes behind'),
    (header() + BODY + END + bytes(2 << 20), 'more comes behind'),
])
def test_what_is_damaged_or_hostile_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        of(content)


@pytest.mark.parametrize(('kind', 'record', 'message'), [
    (b'x', b'path=../a.jpg', 'leads out'),
    (b'x', b'path=/a.jpg', 'leads out'),
    (b'x', b'path=a\0b', 'leads out'),
    (b'x', b'path=' + b'a' * 5000, 'more than 4,096 bytes'),
    (b'x', b'size=99999999999999', 'should end at'),
    (b'x', b'size=-3', 'odd sizes'),
    (b'x', b'GNU.sparse.realsize=4', 'sparse'),
    (b'g', b'path=a.jpg', 'all members the same')])
def test_hostile_records_are_refused(kind, record, message):
    body = b' %s\n' % record
    body = b'%d%s' % (len(body) + len(str(len(body) + 2)), body)
    padded = body + bytes(-len(body) % 512)
    content = (header(kind=kind, size=b'%011o\0' % len(body)) + padded
               + header() + BODY + END)
    with pytest.raises(ValueError, match=message):
        of(content)


@pytest.mark.parametrize('length', [b'0', b'3', b'99', b'9999999'])
def test_lengths_of_records_that_lie_are_refused(length):
    body = length + b' path=b\n'
    content = (header(kind=b'x', size=b'%011o\0' % len(body))
               + body + bytes(512 - len(body)) + header() + BODY + END)
    with pytest.raises(ValueError, match='records of an extended'):
        of(content)


def test_comments_of_git_are_passed_over():
    body = b'15 comment=abc\n'
    content = (header(kind=b'g', size=b'%011o\0' % len(body))
               + body + bytes(512 - len(body)) + header() + BODY + END)
    assert of(content) == [('a.jpg', 1536, 3)]


def test_half_numbers_in_the_checksum_are_no_number():
    block = bytearray(header())
    struct.pack_into('8s', block, 148, b'12x45\0 ')
    with pytest.raises(ValueError, match='does not begin like'):
        of(bytes(block) + END)
