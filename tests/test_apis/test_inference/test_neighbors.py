"""The nearest images, and copies among samples."""
import pytest
import torch
from PIL import Image

from rcg.datasets import Digits


def test_nearest_of_the_training_images(rcg):
    train = Digits('train')
    given = [train[i]['images'] for i in (5, 7)] + [
        Digits('test')[0]['images']]
    found = rcg.nearest(given, k=3, output='tensor')
    assert found.images.shape == (3, 3, 3, 16, 16)
    assert found.indices[:2, 0].tolist() == [5, 7]
    assert torch.equal(found.images[0, 0], given[0])
    assert found.distances[:2, 0].max() < 1e-5
    assert (found.distances.diff(dim=1) >= 0).all()
    # Copies are near; a real image is what the others are measured by.
    assert found.near.tolist()[:2] == [True, True]
    assert found.near_train >= 2 / 3
    # By definition, with the encoder for the space.
    rows = [rcg.encode(torch.stack([item['images'] for item in dataset]))
            for dataset in (train, Digits('test'))]
    real = torch.cdist(rows[1].double(), rows[0].double()).min(1).values
    assert found.near.tolist() == (
        found.distances[:, 0] < real.quantile(.05)).tolist()


def test_other_sets_of_images(rcg, tmp_path, monkeypatch):
    digits = [Digits('test')[i]['images'] for i in range(4)]
    for i, image in enumerate(digits):
        (tmp_path / 'sub').mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(
            tmp_path / f'sub/{i}.png')
    encoded, encode = [], rcg.encode
    monkeypatch.setattr(rcg._libraries, '_arguments', (
        rcg._read, lambda images: encoded.append(len(images))
        or encode(images)))
    for images in (tmp_path, str(tmp_path), digits, torch.stack(digits),
                   Digits('test')):
        found = rcg.nearest(digits[2], images, k=1)
        assert found.indices.tolist() == [[2]]
        assert found.near is None
        assert found.near_train is None
        assert found.images[0][0].size == (16, 16)
    assert encoded[:3] == [4, 4, 4]  # the folder once
    with pytest.raises(ValueError, match='from 1 to 4.*got 5'):
        rcg.nearest(digits[0], digits, k=5)
    assert rcg.nearest(digits[0], digits[1:], 1, held_out=Digits(
        'test')).near.shape == (1, )


def test_a_config_without_training_images(rcg, monkeypatch):
    monkeypatch.setattr(rcg._libraries, '_own', None)
    with pytest.raises(ValueError, match='names no training images'):
        rcg._libraries.own({})
