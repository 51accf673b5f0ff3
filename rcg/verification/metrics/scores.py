"""Scores of the fixed image sets: by this package, and by torch-fidelity."""
import platform
from pathlib import Path

import torch
from mmengine.evaluator import Evaluator
from torch import Tensor

from rcg.registry import METRICS

STORED = Path(__file__).with_name('expected.json')
KID = dict(num_subsets=100, subset_size=100)
BATCH_SIZE = 32
# Largest error that is allowed: relative, or absolute for shares of images.
ALLOWED = {'fid': 1e-3, 'is': 1e-4, 'is_std': 1e-3, 'kid': 1e-3,
           'kid_std': 1e-2, 'precision': 3 / 256, 'recall': 3 / 256}
_ABSOLUTE = 'precision', 'recall'
_THEIR_NAMES = {
    'fid': 'frechet_inception_distance', 'is': 'inception_score_mean',
    'is_std': 'inception_score_std', 'kid': 'kernel_inception_distance_mean',
    'kid_std': 'kernel_inception_distance_std', 'precision': 'precision',
    'recall': 'recall'}


def ours(weights: str, fake: Tensor, reference: str, device: str,
         extractor: dict | None = None) -> dict[str, float]:
    """Scores by this package.

    Args:
        weights: Path of Inception's weights.
        fake: Images to score, (N, 3, H, W) uint8.
        reference: npz file of the other images.
        device: 'cpu', 'cuda', ...
        extractor: Config of an extractor to take in place of Inception.
    """
    common = dict(extractor=extractor or dict(type='Inception',
                                              weights_path=weights))
    real = dict(common, reference=reference)
    metrics = [METRICS.build(cfg) for cfg in (
        dict(real, type='FrechetDistance', name='fid'),
        dict(common, type='InceptionScore'),
        dict(real, type='KernelDistance', **KID),
        dict(real, type='PrecisionRecall'))]
    evaluator = Evaluator(metrics)
    for start in range(0, len(fake), BATCH_SIZE):
        batch = fake[start:start + BATCH_SIZE].to(device)
        evaluator.process([dict(images=image, index=start + i)
                           for i, image in enumerate(batch)])
        print(f'\r{start + len(batch)}/{len(fake)} images', end='',
              flush=True)
    print(f', and {len(fake)} of the reference', flush=True)
    return {name.rpartition('/')[2]: value for name, value in
            evaluator.evaluate(len(fake)).items()}


def theirs(weights: str, fake: Tensor, real: Tensor, device: str,
           **options) -> dict[str, float]:
    """The same scores by torch-fidelity itself."""
    import torch_fidelity

    class Images(torch.utils.data.Dataset):
        def __init__(self, images: Tensor) -> None:
            self.images = images

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Tensor:
            return self.images[index]

    options = dict(feature_extractor='inception-v3-compat',
                   feature_extractor_weights_path=weights, **options)
    found = torch_fidelity.calculate_metrics(
        input1=Images(fake), input2=Images(real), fid=True, isc=True,
        kid=True, prc=True, kid_subsets=KID['num_subsets'],
        kid_subset_size=KID['subset_size'], batch_size=BATCH_SIZE,
        cuda=device.startswith('cuda'), cache=False, save_cpu_ram=True,
        verbose=False, **options)
    return {name: float(found[theirs])
            for name, theirs in _THEIR_NAMES.items()}


def versions(device: str) -> dict[str, str]:
    """Versions and device: all that may change a score."""
    import torch_fidelity
    name = (torch.cuda.get_device_name(device)
            if device.startswith('cuda') else platform.machine())
    return {'torch-fidelity': torch_fidelity.__version__,
            'torch': torch.__version__, 'python': platform.python_version(),
            'device': f'{device}: {name}'}


def compare(found: dict, expected: dict) -> tuple[list[str], bool]:
    """A line for each score, and whether all are close enough."""
    lines, passed = [], True
    for name, allowed in ALLOWED.items():
        off, kind = abs(found[name] - expected[name]), 'absolute'
        if name not in _ABSOLUTE:
            off, kind = off / abs(expected[name]), 'relative'
        good = off <= allowed  # False for NaN
        passed &= good
        lines.append(
            f'{name:<10} {found[name]:<12.6g} expected '
            f'{expected[name]:<12.6g} off {off:.1e}, allowed {allowed:.1e} '
            f'{kind}  {"pass" if good else "FAIL"}')
    return lines, passed
