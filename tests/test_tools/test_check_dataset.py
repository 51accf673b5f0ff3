"""tools/check_dataset.py: what it finds, and that it goes on."""
import json
import os

import pytest
from PIL import Image

from rcg.apis import dataset_check
from rcg.datasets import survey
from tools import check_dataset as tool

from ..test_datasets.shards import write_tar
from ..test_engine.running import run_tool


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images'
    for i in range(6):
        path = folder / 'ab'[i % 2] / f'{i}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((20 + i, 30), 50).convert('RGB').save(path)
    return folder


@pytest.fixture
def check(images, tmp_path, capsys):
    """Runs the tool; returns its status and what it printed."""
    def run(*args):
        status = tool.run(tool.parse_args([
            str(images), '--workers', '1', '--journals',
            str(tmp_path / 'journals'), *args]))
        return status, capsys.readouterr().out

    return run


def test_a_good_folder(check, images):
    Image.new('CMYK', (9, 20)).save(images / 'a' / 'print.jpg')
    Image.new('L', (30, 40)).save(images / 'b' / 'gray.png')
    Image.new('I;16', (30, 40), 3000).save(images / 'a' / 'deep.png')
    Image.new('I;16', (30, 40), 4000).save(images / 'b' / 'deep.png')
    status, out = check()
    assert status == 0
    for text in ('10/10 files', '2 class folders of 5 to 5 images.',
                 '6 images of mode RGB\n',
                 "1 images of mode CMYK, converted when read: ['a/print.jpg'",
                 "1 images of mode L, converted when read: ['b/gray.png']",
                 '2 gray images are of 16 bits and use 12 of them: bits=12',
                 '10 images, shorter side 9 to 30 pixels', 'no fault found'):
        assert text in out


def test_what_fit_says_is_said_here_too(check, images):
    """Alpha, copies, sizes, endings; and labels as training takes them."""
    Image.new('RGBA', (9, 90)).save(images / 'a' / 'clear.png')
    (images / 'a' / 'copy.jpg').write_bytes(
        (images / 'b' / '1.jpg').read_bytes())
    (images / 'flat.jpg').write_bytes((images / 'b' / '3.jpg').read_bytes())
    (images / 'photo.heic').touch()
    (images / '.thumbnails').mkdir()
    Image.new('L', (9, 9)).save(images / '.thumbnails' / '0.png')
    status, out = check('--size', '22')
    assert status == 0
    for text in ('Left out by their ending: 1 .heic, 1 hidden.',
                 '4 are smaller than the model', '2 are exact copies',
                 '1 are transparent', '1 are at least 4 times', 'No labels'):
        assert text in out, text
    assert 'class folders of' not in out


def test_bad_files_are_listed(check, images):
    (images / 'a' / '0.jpg').write_bytes(b'')
    cut = images / 'b' / '1.jpg'
    cut.write_bytes(cut.read_bytes()[:-300])
    (images / 'b' / '3.jpg').write_text('<html>')
    status, out = check()
    assert status == 1
    faults = [line for line in out.splitlines() if 'cannot be read' in line]
    assert [line.split("'")[1] for line in faults] == [
        'a/0.jpg', 'b/1.jpg', 'b/3.jpg']
    assert 'the file is empty' in faults[0]
    assert 'truncated' in faults[1]


def test_files_are_read_once_until_they_change(check, images, tmp_path):
    (images / 'a' / '0.jpg').write_bytes(b'')
    first = check()[1]
    journal, = (tmp_path / 'journals').iterdir()
    assert '6 images, 0 of them' in first
    assert '6/6 files' in first
    # Damage that the journal hides, a change that it does not, a cut line.
    hidden, seen = images / 'a' / '2.jpg', images / 'b' / '1.jpg'
    status = os.stat(hidden)
    hidden.write_bytes(b'x' * status.st_size)
    os.utime(hidden, ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.write_text('changed')
    with open(journal, 'a') as file:
        file.write('["b/3')
    status, out = check()
    assert status == 1
    assert '6 images, 4 of them' in out  # bad ones are read again
    assert '2/2 files' in out
    assert [line.split("'")[1] for line in out.splitlines()
            if 'cannot be read' in line] == ['a/0.jpg', 'b/1.jpg']
    Image.new('RGB', (5, 5)).save(seen)
    Image.new('RGB', (5, 5)).save(images / 'a' / '0.jpg')
    assert check()[0] == 0


def test_a_run_that_was_killed_kept_what_it_had_read(check, images, tmp_path,
                                                     monkeypatch):
    def inspect(path, *args, real=survey.inspect, **options):
        if path == 'b/1.jpg':
            raise KeyboardInterrupt
        return real(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(survey, 'inspect', inspect)
        with pytest.raises(KeyboardInterrupt):
            check()
    journal, = (tmp_path / 'journals').iterdir()
    lines = filter(None, journal.read_text().splitlines())
    assert [json.loads(line)[0] for line in lines] == [
        'a/0.jpg', 'a/2.jpg', 'a/4.jpg']
    assert '3/3 files' in check()[1]


def test_imagenet(check, images, monkeypatch):
    monkeypatch.setattr(dataset_check, 'IMAGENET', {'train': 6, 'val': 2})
    with pytest.raises(FileNotFoundError, match='images/train'):
        check('--imagenet')
    images.rename(images.with_name('all'))
    images.mkdir()
    images.with_name('all').rename(images / 'train')
    (images / 'val').mkdir()
    Image.new('RGB', (9, 9)).save(images / 'val' / 'c.png')
    status, out = check('--imagenet')
    assert status == 1
    assert out.splitlines()[-3:] == [
        'train must have 1000 class folders, got 2',
        "2 folders of train are not named like n01440764: ['a', 'b']",
        'val must have 2 images, got 1']  # and may be flat


@pytest.mark.slow
def test_the_command(images, tmp_path):
    done = run_tool('check_dataset.py', images, '--workers', 2, cwd=tmp_path)
    assert 'no fault found' in done.stdout
    assert list((tmp_path / 'work_dirs' / 'check_dataset').iterdir())
    done = run_tool('check_dataset.py', 'nowhere', cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "no folder 'nowhere'" in done.stderr
    assert 'Traceback' not in done.stderr


def test_tar_shards(check, images, monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    files = {}
    for path in sorted(images.glob('?/*.jpg')):
        files[f'{path.stem}.jpg'] = path.read_bytes()
        files[f'{path.stem}.cls'] = path.stem.encode()
        path.unlink()
    write_tar(images / 'sub' / '0.tar', files)
    status, out = check()
    assert status == 0, out
    for text in ('6/6 files', '6 images of mode RGB', 'no fault found',
                 '6 images, shorter side 20 to 25 pixels',
                 '1 tar shards of 1 can be read. 6 labels from 0 to 5.'):
        assert text in out
    assert 'Left out' not in out
    status, out = check()
    assert '6 images, 6 of them read before' in out
    content = (images / 'sub' / '0.tar').read_bytes()
    (images / '1.tar').write_bytes(content[:5000])
    write_tar(images / '2.tar', {'6.jpg': files['5.jpg'][:300]})
    status, out = check()
    assert status == 1
    for text in (f"the tar shard '{images}/1.tar' cannot be read: it is cut "
                 'off', "'2.tar/6.jpg' cannot be read (", '1 of the 7 images '
                 'in the tar', '2 tar shards of 3 can be read'):
        assert text in out
