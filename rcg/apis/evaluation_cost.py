"""Time and memory of FID and IS besides the extraction of features."""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from rcg.apis.timing import peak_memory
from rcg.evaluation import FrechetDistance, InceptionScore
from rcg.registry import FEATURE_EXTRACTORS

DIM, CLASSES, BATCH = 2048, 1008, 50


@FEATURE_EXTRACTORS.register_module()
class GivenFeatures(nn.Module):
    """Features and logits as large as those of Inception, at no cost."""

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.features = torch.randn(BATCH, DIM, generator=rng).abs() / 2
        self.logits = torch.randn(BATCH, CLASSES, generator=rng)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {'features': self.features + images[0, 0, 0, 0] / 255,
                'logits': self.logits}


def benchmark_evaluation(counts: Sequence[int] = (1000, 10000),
                         images_per_second: float | None = None
                         ) -> list[dict]:
    """Measure what FID and IS cost besides the extraction of features.

    Each number of images is scored by a process of its own, whose features
    are given. Prints memory, seconds, and their share of the time that
    Inception would take.

    Args:
        counts: Numbers of images, multiples of 50.
        images_per_second: Speed of Inception; by default measured, with
            random weights.

    Returns:
        The result of :func:`measure` for each number.

    Raises:
        ValueError: A number is no multiple of 50.
    """
    if any(count < BATCH or count % BATCH for count in counts):
        raise ValueError(f'--images must be multiples of {BATCH}, got '
                         f'{list(counts)}')
    # Before Inception runs here: the peak memory of a child is at least what
    # its parent had when it began.
    found = [_measure_apart(count) for count in counts]
    _print_shares(found, images_per_second or inception_speed())
    return found


def _measure_apart(num_images: int) -> dict[str, float]:
    """Call :func:`measure` in a new process; print and return the result."""
    out = subprocess.run(
        [sys.executable, '-m', __name__, str(num_images)], check=True,
        capture_output=True, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    print('{images} images: peak {peak_mib:.0f} MiB ({added_mib:.0f} for '
          'sums), sums {sum_seconds:.1f} s, scores {final_seconds:.1f} s'
          .format(**found))
    return found


def _print_shares(found: list[dict], speed: float) -> None:
    """Print the growth of memory, and the time as a share of extraction.

    Args:
        found: Results of :func:`measure`.
        speed: Images per second of Inception.
    """
    last = found[-1]
    print('peak memory, last over first: '
          f'{last["peak_mib"] / found[0]["peak_mib"]:.3f}\n'
          f'Inception: {speed:.2f} images/s')
    for count in (last['images'], 50000):
        spent = (last['sum_seconds'] * count / last['images']
                 + last['final_seconds'])
        print(f'{count} images: {spent:.0f} s beside {count / speed:.0f} s '
              f'of extraction, {100 * spent * speed / count:.2f} %')


def measure(num_images: int) -> dict[str, float]:
    """Score that many images in this process; its memory and seconds."""
    extractor = {'type': 'GivenFeatures'}
    with tempfile.NamedTemporaryFile(suffix='.npz') as file:
        np.savez(file, mu=np.zeros(DIM), sigma=np.eye(DIM))
        file.flush()
        metrics = [FrechetDistance(extractor, file.name),
                   InceptionScore(extractor)]
    for metric in metrics:
        metric.dataset_meta = {'num_images': num_images}
    image = torch.zeros(3, 8, 8, dtype=torch.uint8)
    start, memory = time.perf_counter(), peak_memory()
    for first in range(0, num_images, BATCH):
        samples = [{'index': index, 'images': image + index % 251}
                   for index in range(first, first + BATCH)]
        for metric in metrics:
            metric.process({}, samples)
    summed, added = time.perf_counter() - start, peak_memory() - memory
    for metric in metrics:
        metric.evaluate(num_images)
    finished = time.perf_counter() - start - summed
    return {'images': num_images, 'peak_mib': peak_memory() / 2**20,
            'added_mib': added / 2**20, 'sum_seconds': summed,
            'final_seconds': finished}


def inception_speed(num_images: int = 32) -> float:
    """Images per second of Inception with random weights."""
    from torch_fidelity import feature_extractor_inceptionv3 as library

    class Random(library.FeatureExtractorInceptionV3):
        def load_state_dict(self, state: dict) -> None:
            """Keep the random weights."""

    with tempfile.NamedTemporaryFile() as file:
        torch.save({}, file.name)
        network = Random('inception-v3-compat', ['2048'], file.name)
    images = torch.zeros(num_images, 3, 256, 256, dtype=torch.uint8)
    network(images[:2])
    start = time.perf_counter()
    network(images)
    return num_images / (time.perf_counter() - start)


if __name__ == '__main__':
    _parser = argparse.ArgumentParser(description=measure.__doc__)
    _parser.add_argument('images', type=int)
    print(json.dumps(measure(_parser.parse_args().images)))
