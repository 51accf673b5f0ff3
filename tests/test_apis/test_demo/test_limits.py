"""What is sent to the page: taken, or refused in a sentence."""
import numpy as np
import pytest
from PIL import Image

from rcg.apis.demo import limits
from rcg.apis.demo.limits import checked, read_upload


@pytest.mark.parametrize(('name', 'value'), [
    ('images', 64), ('images', 1.), ('steps', 250), ('seed', 2**31 - 1),
    ('guidance', 0), ('temperature', 1.5)])
def test_numbers_in_range(name, value):
    found = checked(name, value)
    assert found == value
    assert isinstance(found, int if name in ('images', 'steps', 'seed')
                      else float)


@pytest.mark.parametrize(('name', 'value'), [
    ('images', 65), ('images', 0), ('images', 2.5), ('images', None),
    ('images', True), ('images', '3'), ('steps', 251), ('seed', -1),
    ('seed', float('nan')), ('guidance', -.1), ('guidance', float('inf')),
    ('temperature', 'x' * 999), ('temperature', [1])])
def test_other_numbers_are_refused(name, value):
    with pytest.raises(ValueError, match=f'^{name} must be a ') as caught:
        checked(name, value)
    assert len(str(caught.value)) < 120


@pytest.fixture
def folder(tmp_path):
    """Uploads: an image, and what is none."""
    uploads = tmp_path / 'uploads'
    uploads.mkdir()
    Image.new('L', (20, 30), 7).save(uploads / 'gray.png')
    (uploads / 'text.png').write_text('no image')
    (uploads / 'script.png').write_text('%!PS-Adobe-3.0 EPSF-3.0\n'
                                        '%%BoundingBox: 0 0 9 9\n')
    content = (uploads / 'gray.png').read_bytes()
    (uploads / 'cut.png').write_bytes(content[:-30])
    Image.new('L', (20, 30)).save(tmp_path / 'secret.png')
    (uploads / 'link.png').symlink_to(tmp_path / 'secret.png')
    return uploads


def test_an_upload_is_read_as_rgb(folder):
    image = read_upload(str(folder / 'gray.png'), folder)
    assert image.mode == 'RGB'
    assert np.array_equal(np.array(image), np.full((30, 20, 3), 7))


@pytest.mark.parametrize(('name', 'reason'), [
    ('text.png', 'cannot identify the format'),
    ('script.png', 'cannot identify the format'),
    ('cut.png', 'cannot be read as an image'),
    ('none.png', 'it is gone'),
    ('../secret.png', 'was not uploaded'), ('link.png', 'was not uploaded')])
def test_a_bad_upload_gets_a_sentence(folder, name, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        read_upload(str(folder / name), folder)
    assert str(folder) not in str(caught.value)  # tells nothing of the disk


def test_no_upload(folder):
    with pytest.raises(ValueError, match='there is no image yet'):
        read_upload(None, folder)


@pytest.mark.parametrize('address', ['http://127.0.0.1/a.png',
                                     's3://bucket/a.png'])
def test_an_address_is_not_fetched(folder, address, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match='was not uploaded'):
        read_upload(address, folder)


@pytest.mark.parametrize(('limit', 'reason'), [
    ('MAX_UPLOAD_BYTES', 'bytes or more'),
    ('MAX_UPLOAD_PIXELS', '20 x 30 pixels')])
def test_a_large_upload_gets_a_sentence(folder, limit, reason, monkeypatch):
    monkeypatch.setattr(limits, limit, 50)
    with pytest.raises(ValueError, match=reason) as caught:
        read_upload(str(folder / 'gray.png'), folder)
    assert str(folder) not in str(caught.value)
