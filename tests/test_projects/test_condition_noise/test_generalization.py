"""Loss and distances from representations of real digits."""
import pytest
import torch

from rcg.datasets.digits import Digits
from rcg.engine import load_config
from rcg.projects.condition_noise import generalization as module


class Few:
    """24 training digits, or 12 held-out ones."""

    def __init__(self, split):
        self.images = Digits(split).images[:24 if split == 'train' else 12]


def features(images):
    """Means over the rows of pixels."""
    return dict(features=images.float().mean((1, 2)))


class Reference:
    def __init__(self, cfg, extractor):
        images = torch.from_numpy(Few(cfg['split']).images)
        self.rows = extractor(images.permute(0, 3, 1, 2))['features'].double()

    def moments(self, device):
        return self.rows.mean(0), self.rows.T.cov()


@pytest.fixture
def make(digits_root, tmp_path, monkeypatch):
    """Makes a work folder of an untrained MAGE, with options."""
    monkeypatch.setattr(module, 'Digits', Few)
    monkeypatch.setattr(module, '_PASSES', 2)
    monkeypatch.setattr(module, 'shared_extractor', lambda cfg: features)
    monkeypatch.setattr(module, 'DatasetReference', Reference)

    def make(name, **condition):
        run = tmp_path / name
        run.mkdir()
        (run / 'iter_1.pth').symlink_to(digits_root / 'mage' / 'iter_1.pth')
        load_config('configs/digits/mage.py', {
            'model.generator.num_steps': 2, **{
                f'model.generator.network.condition.{key}': value
                for key, value in condition.items()}}).dump(run / 'mage.py')
        return run

    return make


def test_noise_and_dropping_are_off(make):
    plain = module.generalization(make('plain'))
    assert plain == module.generalization(
        make('noisy', noise_std=5., drop_prob=.9))
    assert plain['train']['loss'] != plain['test']['loss']
    assert all(scores[name] > 0 for scores in plain.values()
               for name in ('loss', 'fd_train', 'fd_test'))


def test_distances_are_those_of_as_many_images(make, monkeypatch):
    drawn = []

    def reconstruct(self, images, num, **options):
        drawn.append((len(images), num))
        return images[:, None].expand(-1, num, -1, -1, -1)

    monkeypatch.setattr(module.RCGInferencer, 'reconstruct', reconstruct)
    found = module.generalization(make('mage'))
    assert drawn == [(24, 1), (12, 2)]
    # Each digit is given back as it is.
    assert found['train']['fd_train'] == pytest.approx(0, abs=1e-6)
    assert found['test']['fd_test'] < found['test']['fd_train']


def test_table(monkeypatch, tmp_path):
    monkeypatch.setattr(module, 'generalization', lambda run: {
        split: dict(loss=1., fd_train=2., fd_test=3.)
        for split in ('train', 'test')})
    rows = list(module.table([tmp_path / 'mage_600_0']))
    assert rows[2:] == [
        '| mage_600_0 | training digits | 1.000 | 2.000 | 3.000 |',
        '| mage_600_0 | held-out digits | 1.000 | 2.000 | 3.000 |']
