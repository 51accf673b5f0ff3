"""Distances of representations to those of training images."""
import types

import pytest
import torch

from rcg.datasets.digits import Digits
from rcg.engine import load_config
from rcg.projects.condition_noise import predictor


@pytest.fixture
def train():
    return torch.randn(60, 64, generator=torch.Generator().manual_seed(0))


def noisy(rows, std):
    noise = torch.randn(rows.shape, generator=torch.Generator().manual_seed(1))
    return rows + std * noise


def test_the_noise_of_rows_is_their_distance(train):
    found = predictor.compare(noisy(train, .5), noisy(train, .3), train)
    assert found['drawn'] == pytest.approx(.5, rel=.03)
    assert found['held_out'] == pytest.approx(.3, rel=.03)
    assert found['excess'] == pytest.approx(.4, rel=.03)
    # Rows of their own are farther from each other than from noisy copies.
    assert found['train'] > .9


def test_an_rdm_nearer_than_held_out_images_has_no_excess(train):
    found = predictor.compare(noisy(train, .1), noisy(train, .3), train)
    assert found['excess'] == 0
    copies = predictor.compare(train[:5], noisy(train, .3), train)
    assert copies['drawn'] == pytest.approx(0, abs=1e-6)


def test_of_a_work_folder(digits_root, tmp_path, monkeypatch):
    monkeypatch.setattr(predictor, 'Digits', lambda split: (
        types.SimpleNamespace(images=Digits(split).images[:40])))
    cfg = load_config('configs/digits/mage.py',
                      {'model.rdm.sampler.num_steps': 5})
    run = tmp_path / 'mage'
    run.mkdir()
    (run / 'iter_1.pth').symlink_to(digits_root / 'mage' / 'iter_1.pth')
    cfg.dump(run / 'mage.py')
    found, other = predictor.predictors(run, 0), predictor.predictors(run, 1)
    # What an untrained RDM draws is noise.
    assert found['drawn'] > found['held_out'] > 0
    assert found['excess'] > 0
    assert (found['held_out'], found['train']) == (
        other['held_out'], other['train'])
    assert found['drawn'] != other['drawn']
