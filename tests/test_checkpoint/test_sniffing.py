"""What is no checkpoint is called by its name."""
import gzip
import io
import tarfile
import zipfile

import pytest
import torch

from rcg.checkpoint import CheckpointError, read_checkpoint
from rcg.checkpoint.finding import what_is_wrong
from rcg.checkpoint.foreign import read_foreign


def zipped(method=zipfile.ZIP_STORED, **files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', method) as archive:
        for name, content in files.items():
            archive.writestr(name.replace('__', '/'), content)
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w') as archive:
        archive.addfile(tarfile.TarInfo('storages'))
    return file.getvalue()


FILES = {
    'empty': (b'', 'empty.*Download it again'),
    'html': (b'\n<!DOCTYPE html><html><head><title>Google Drive - Virus scan '
             b'warning</title>', r'web page \(HTML\).*Drive.*confirm'),
    'html2': (b'\xef\xbb\xbf<html lang="en">', 'web page'),
    'xml': (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>',
            'error message of the server'),
    'lfs': (b'version https://git-lfs.github.com/spec/v1\noid sha256:00\n'
            b'size 218130007\n', 'LFS pointer.*218,130,007 bytes.*git lfs'),
    'gzip': (gzip.compress(b'x'), 'gzip archive. Unpack it'),
    'tar': (tar(), 'tar archive. Unpack it'),
    'zip': (zipped(**{'model.ckpt': b'x'}), 'holds model.ckpt. Unpack it'),
    'deflated': (zipped(zipfile.ZIP_DEFLATED, **{'model.ckpt': b'x' * 99}),
                 'holds model.ckpt. Unpack it'),
    'script': (zipped(a__constants__pkl=b'', **{
        'a/data.pkl': b'', 'a/constants.pkl': b''}), 'TorchScript'),
    'cut': (zipped(a=b'x' * 1000)[:500], 'truncated.*Download it again'),
}


@pytest.mark.parametrize('read', [read_checkpoint, read_foreign])
@pytest.mark.parametrize('kind', FILES)
def test_what_is_no_checkpoint(tmp_path, kind, read):
    path = tmp_path / 'vitb.pth.tar'
    path.write_bytes(FILES[kind][0])
    with pytest.raises(CheckpointError,
                       match='vitb.pth.tar.*' + FILES[kind][1]):
        read(path)


@pytest.mark.parametrize('legacy', [False, True])
def test_nothing_is_wrong_with_checkpoints(tmp_path, legacy):
    torch.save({'w': torch.ones(1)}, tmp_path / 'a.pth',
               _use_new_zipfile_serialization=not legacy)
    assert what_is_wrong(tmp_path / 'a.pth') is None
