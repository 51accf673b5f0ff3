"""What a file is that should have been a checkpoint and is none."""
import os
import re
import zipfile

_ARCHIVES = ((b'\x1f\x8b', 'gzip'), (b'BZh', 'bzip2'), (b'\xfd7zXZ', 'xz'),
             (b'7z\xbc\xaf', '7z'), (b'Rar!', 'rar'))
_AGAIN = "Download it again and compare its size with the publisher's."


def what_is_wrong(path: str) -> str | None:
    """Say what a file looks like, and what to do, if it is no checkpoint.

    Returns:
        Two sentences, or None if the file's beginning (and of a zip file the
        end, too) is that of a checkpoint.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        head = file.read(4096)
    text = head.lstrip(b'\xef\xbb\xbf \t\r\n').lower()
    if not size:
        return f'It is empty: the download or the disk failed. {_AGAIN}'
    if text.startswith((b'<!doctype html', b'<html', b'<head')):
        return ('It is a web page (HTML), saved in place of the file: links '
                'of Google Drive lead to a page that asks for confirmation. '
                'Open the link in a browser and confirm, or use gdown; the '
                'real file is far larger.')
    if text.startswith((b'<?xml', b'<error')):
        return ('It is an error message of the server (XML), saved in place '
                'of the file. Read it, and download the file again.')
    if text.startswith(b'version https://git-lfs'):
        real = re.search(rb'size (\d+)', text)
        return ('It is a Git LFS pointer, not the file'
                + (f' of {int(real[1]):,} bytes' if real else '')
                + ' that it points to. Run: git lfs pull')
    for magic, kind in _ARCHIVES:
        if head.startswith(magic):
            return (f'It is a {kind} archive. Unpack it and give the file '
                    'inside.')
    if head[257:262] == b'ustar':
        return 'It is a tar archive. Unpack it and give the file inside.'
    return _wrong_zip(path) if head.startswith(b'PK') else None


def _wrong_zip(path: str) -> str | None:
    if not zipfile.is_zipfile(path):
        return ('It is truncated: the end, with the list of what is inside, '
                f'is missing. {_AGAIN}')
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(re.fullmatch(r'[^/]+/constants\.pkl', name) for name in names):
        return ('It is a TorchScript program, which holds code. Give a file '
                'of weights (torch.save of a state dict).')
    if not any(re.fullmatch(r'[^/]+/data\.pkl', name) for name in names):
        inside = ', '.join(names[:4]) or 'nothing'
        return (f'It is a zip archive that holds {inside}. Unpack it and '
                'give the file inside.')
    return None
