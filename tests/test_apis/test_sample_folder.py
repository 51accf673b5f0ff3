"""Folders of drawn images know their own files."""
import pytest
import torch
from PIL import Image

from rcg.apis.sample_folder import SampleFolder, default_folder


def draw(path, count):
    folder = SampleFolder(path, dict(checkpoint='a.pth', num=count))
    folder.add(torch.full((count, 3, 4, 4), count, dtype=torch.uint8), count)
    folder.finish(Image.new('RGB', (9, 9)))
    return sorted(file.name for file in path.iterdir())


def test_images_of_an_earlier_call_are_removed(tmp_path):
    assert len(draw(tmp_path / 'a', 4)) == 6
    assert draw(tmp_path / 'a', 2) == [
        '000000.png', '000001.png', 'grid.png', 'samples.json']
    # An interrupted call has no grid yet.
    (tmp_path / 'a' / 'grid.png').unlink()
    (tmp_path / 'a' / 'notes.txt').touch()
    assert draw(tmp_path / 'a', 1) == [
        '000000.png', 'grid.png', 'notes.txt', 'samples.json']


@pytest.mark.parametrize('name', ['000000.png', 'grid.png', 'me.JPG'])
@pytest.mark.parametrize('record', [None, '{}', 'broken', '[1]'])
def test_pictures_of_others_are_never_removed(tmp_path, name, record):
    Image.new('RGB', (4, 4)).save(tmp_path / name, 'png')
    if record is not None:
        (tmp_path / 'samples.json').write_text(record)
    with pytest.raises(ValueError, match=f"such as '{name}': give another"):
        SampleFolder(tmp_path, dict(checkpoint='a.pth'))
    assert (tmp_path / name).exists()


def test_a_picture_that_was_put_among_ours_stays(tmp_path):
    draw(tmp_path, 2)
    Image.new('RGB', (4, 4)).save(tmp_path / 'cat.png')
    with pytest.raises(ValueError, match="'cat.png'"):
        SampleFolder(tmp_path, dict(checkpoint='a.pth'))
    assert (tmp_path / '000001.png').exists()


@pytest.mark.parametrize('name', ['000001.png', '000002.png', 'grid.png'])
def test_a_picture_under_a_name_of_ours_stays(tmp_path, name):
    """Its name alone does not make a file ours."""
    draw(tmp_path, 2)
    Image.new('RGB', (4, 4)).save(tmp_path / name)
    with pytest.raises(ValueError, match=f"such as '{name}': give another"):
        SampleFolder(tmp_path, dict(checkpoint='a.pth'))
    assert (tmp_path / name).exists()
    assert (tmp_path / '000000.png').exists()
    (tmp_path / name).write_bytes(b'no image')
    with pytest.raises(ValueError, match=f"such as '{name}'"):
        SampleFolder(tmp_path, dict(checkpoint='a.pth'))


def test_by_default_images_go_beside_the_run(tmp_path):
    assert default_folder(str(tmp_path / 'mage_l.safetensors')).parts[-2:] == (
        'samples', 'mage_l')
    (tmp_path / 'mage.py').write_text(
        "model = dict()\ntrain_cfg = dict()\nwork_dir = 'x'\n")
    assert default_folder(str(tmp_path / 'iter_9.pth')) == tmp_path / 'drawn'
