"""One look at every file of a folder."""
import os
import tracemalloc

import numpy as np
import pytest
from PIL import ExifTags, Image

from rcg.datasets import survey as module
from rcg.datasets.held_out import content_hashes
from rcg.datasets.reading import read_image
from rcg.datasets.survey import PROBE, inspect, pixels_of, survey


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / 'images'
    folder.mkdir()
    for i in range(6):
        Image.fromarray(rng.integers(0, 256, (20 + i, 40, 3), np.uint8)).save(
            folder / f'{i}.png')
    return folder


def facts_of(root, workers=1, **options):
    return survey(str(root), sorted(os.listdir(root)), workers,
                  root.parent / 'store', **options)


def test_facts(root, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    turned = Image.new('P', (30, 10))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned.save(root / 'turned.png', exif=exif)
    Image.new('L', (3, 3)).save(root / 'moving.gif', save_all=True,
                                append_images=[Image.new('L', (3, 3), 9)])
    found = facts_of(root, probed=['0.png'])
    assert [facts.code for facts in found] == content_hashes(
        str(root), sorted(os.listdir(root)))
    first, *_, moving, upright = found
    assert (first.mode, first.height, first.width) == ('RGB', 20, 40)
    assert moving.frames == 2
    assert (upright.mode, upright.height, upright.width) == ('P', 30, 10)
    square = Image.fromarray(read_image(str(root / '0.png'))[:, 10:30])
    assert (pixels_of(first.probe) == np.array(
        square.resize((PROBE, PROBE), Image.BOX))).all()
    assert found[1].probe == ''


def test_a_probe_that_is_new_is_taken(root):
    facts_of(root)
    assert [bool(facts.probe) for facts in facts_of(
        root, probed=['2.png'])] == [False, False, True] + [False] * 3


@pytest.mark.parametrize('workers', [0, 2])
def test_large_images_are_read_one_at_a_time(root, workers, monkeypatch):
    """Workers leave them to the process that asks."""
    here = facts_of(root)
    (root.parent / 'store').unlink()
    monkeypatch.setattr(module, 'MOST_BESIDE', 900)  # 23 x 40 are more
    assert inspect('5.png', str(root), most=900) is None
    found = facts_of(root, workers)
    assert [f._replace(seconds=0) for f in found] == [
        f._replace(seconds=0) for f in here]


def test_memory_is_that_of_one_image(root, monkeypatch):
    for i in range(6, 26):
        Image.new('RGB', (500, 500)).save(root / f'{i}.png')
    tracemalloc.start()
    facts_of(root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # all together have 15 MB


def test_no_place_for_memory(root):
    found = survey(str(root), ['0.png'], 1, root / '0.png' / 'store')
    assert not found[0].error
