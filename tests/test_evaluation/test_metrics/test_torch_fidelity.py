"""On 2,000 images, scores agree with torch-fidelity and the definitions.

Through Inception: tests/test_tools/test_evaluate_images.py.
"""
import numpy as np
import pytest
import scipy.linalg
import torch
import torch_fidelity
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from torch import nn
from torch.utils.data import DataLoader, Dataset

from rcg.datasets import SeedBatchSampler, SeedDataset
from rcg.registry import DATASETS, FEATURE_EXTRACTORS, METRICS
from tests.test_evaluation.toy import for_torch_fidelity, run_processes

pytestmark = pytest.mark.slow
NUM_IMAGES = 2000
EXTRACTOR = {'type': 'PixelStatistics'}
REFERENCE = {'type': 'Gradients', 'seed': 1}
METRICS_OF_BOTH = [
    {'type': 'FrechetDistance', 'name': 'fid', 'reference': REFERENCE},
    {'type': 'InceptionScore'},
    {'type': 'KernelDistance', 'reference': REFERENCE},
    {'type': 'PrecisionRecall', 'reference': REFERENCE},
    {'type': 'DensityCoverage', 'reference': REFERENCE},
]
NAMES = {
    'fid': 'frechet_inception_distance', 'is': 'inception_score_mean',
    'is_std': 'inception_score_std', 'kid': 'kernel_inception_distance_mean',
    'kid_std': 'kernel_inception_distance_std', 'precision': 'precision',
    'recall': 'recall'
}


def images_of(seed):
    """Noise on gradients of random contrast: (2000, 3, 16, 16)."""
    rng = torch.Generator().manual_seed(seed)
    slope = torch.rand(NUM_IMAGES, 3, 2, generator=rng) * (4 + seed)
    ramp = torch.linspace(-4, 4, 16)
    images = (128 + 20 * torch.randn(NUM_IMAGES, 3, 16, 16, generator=rng)
              + slope[..., :1, None] * ramp[:, None] ** 2
              + slope[..., 1:, None] * ramp)
    return images.clamp(0, 255).byte()


@DATASETS.register_module()
class Gradients(Dataset):
    in_memory, is_random = True, False

    def __init__(self, seed):
        self.images = images_of(seed)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {'images': self.images[index], 'indices': index}


@FEATURE_EXTRACTORS.register_module()
class PixelStatistics(nn.Module):
    """A random convolution: 40 features, 12 logits."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv = nn.Conv2d(3, 40, 5, stride=3)
            self.head = nn.Linear(40, 12)

    def forward(self, images):
        x = self.conv(images.float() / 32 - 4)
        features = x.relu().mean((2, 3)) + x.std((2, 3))
        return {'features': features, 'logits': 4 * self.head(features)}


class Bare(Gradients):
    def __getitem__(self, index):
        return self.images[index]


def evaluate():
    evaluator = Evaluator([METRICS.build({**cfg, 'extractor': EXTRACTOR})
                           for cfg in METRICS_OF_BOTH])
    images, dataset = images_of(0), SeedDataset(NUM_IMAGES)
    sampler = SeedBatchSampler(DefaultSampler(dataset, shuffle=False), 8)
    for batch in DataLoader(dataset, batch_sampler=sampler):
        evaluator.process([{'index': index, 'images': images[index]}
                           for index in batch['indices'].tolist()])
    return {name.removeprefix('generation/'): value
            for name, value in evaluator.evaluate(NUM_IMAGES).items()}


@pytest.fixture(scope='module')
def ours():
    return evaluate()


def test_torch_fidelity_agrees(ours, monkeypatch):
    monkeypatch.setitem(
        torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY, 'pixels',
        for_torch_fidelity(PixelStatistics))
    theirs = torch_fidelity.calculate_metrics(
        input1=Bare(0), input2=Bare(1), feature_extractor='pixels', fid=True,
        isc=True, kid=True, prc=True, cuda=False, verbose=False,
        save_cpu_ram=True, cache=False)
    assert .02 < theirs['precision'] < .98 and .02 < theirs['recall'] < .98
    for name, their_name in NAMES.items():
        assert ours[name] == pytest.approx(theirs[their_name], rel=1e-4), name


def test_definitions_agree(ours):
    """In float64, from all features at once, in other words."""
    network, found = PixelStatistics(), []
    for seed in (0, 1):
        with torch.no_grad():
            batches = [network(batch) for batch in images_of(seed).split(
                (64, 8)[seed == 0])]
        found.append({name: torch.cat([b[name] for b in batches])
                      .double().numpy() for name in batches[0]})
    fake, real = found[0]['features'], found[1]['features']
    logits = found[0]['logits']
    cov1, cov2 = (np.cov(x, rowvar=False) for x in (fake, real))
    wanted = {'fid': ((fake.mean(0) - real.mean(0))**2).sum() + np.trace(
        cov1 + cov2 - 2 * scipy.linalg.sqrtm(cov1 @ cov2).real)}
    wanted['is'], wanted['is_std'] = inception_score_of(logits)
    wanted['kid'], wanted['kid_std'] = kid_of(fake, real)
    wanted.update(neighbors_of(fake, real))
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        assert ours[name] == pytest.approx(value, rel=1e-8), name


def inception_score_of(logits):
    p = np.exp(logits - scipy.special.logsumexp(logits, 1, keepdims=True))
    p = p[np.random.RandomState(2020).permutation(len(p))]
    scores = [np.exp(scipy.stats.entropy(part, part.mean(0)[None], axis=1)
                     .mean()) for part in np.split(p, 10)]
    return np.mean(scores), np.std(scores)


def kid_of(fake, real):
    rng, found = np.random.RandomState(2020), []
    for _ in range(100):
        x, y = (rows[rng.choice(len(rows), 1000, replace=False)]
                for rows in (fake, real))
        k = (np.concatenate([x, y]) @ np.concatenate([x, y]).T / 40 + 1)**3
        weights = np.full_like(k, -1 / 1000**2)
        weights[:1000, :1000] = weights[1000:, 1000:] = 1 / (1000 * 999)
        np.fill_diagonal(weights, 0)
        found.append((k * weights).sum())
    return np.mean(found), np.std(found)


def neighbors_of(fake, real):
    def radii(rows, k):
        return np.sort(scipy.spatial.distance.cdist(rows, rows), 1)[:, k]

    cross = scipy.spatial.distance.cdist(fake, real)
    return {
        'precision': (cross <= radii(real, 3)).any(1).mean(),
        'recall': (radii(fake, 3) >= cross.T).any(1).mean(),
        'density': (cross < radii(real, 5)).sum() / (5 * len(fake)),
        'coverage': (cross < radii(real, 5)).any(0).mean()
    }


def test_three_processes_agree(ours, tmp_path):
    for results in run_processes(3, tmp_path, evaluate):
        assert isinstance(results, dict), results
        assert results == pytest.approx(ours, rel=1e-10)
