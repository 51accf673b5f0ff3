"""Measure what FID and IS cost besides the extraction of features.

    python tools/benchmark_evaluation.py [--images 1000 10000]

Each number of images is scored by a process of its own, whose features are
given. Printed are its peak memory, the seconds that FID and IS took, and
their share of the time that Inception (with random weights, measured on a
few images, or given as --images-per-second) would have taken.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn

from rcg.apis.timing import peak_memory
from rcg.evaluation import FrechetDistance, InceptionScore
from rcg.registry import FEATURE_EXTRACTORS

DIM, CLASSES, BATCH = 2048, 1008, 50


@FEATURE_EXTRACTORS.register_module()
class GivenFeatures(nn.Module):
    """Features and logits as large as Inception's, at no cost."""

    def __init__(self):
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.features = torch.randn(BATCH, DIM, generator=rng).abs() / 2
        self.logits = torch.randn(BATCH, CLASSES, generator=rng)

    def forward(self, images):
        return {'features': self.features + images[0, 0, 0, 0] / 255,
                'logits': self.logits}


def measure(num_images: int) -> dict:
    """Score so many images in this process."""
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
        def load_state_dict(self, state):
            pass

    with tempfile.NamedTemporaryFile() as file:
        torch.save({}, file.name)
        network = Random('inception-v3-compat', ['2048'], file.name)
    images = torch.zeros(num_images, 3, 256, 256, dtype=torch.uint8)
    network(images[:2])
    start = time.perf_counter()
    network(images)
    return num_images / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--images', type=int, nargs='+',
                        default=[1000, 10000],
                        help=f'multiples of {BATCH}')
    parser.add_argument('--images-per-second', type=float,
                        help="Inception's speed; default: measured")
    parser.add_argument('--worker', action='store_true',
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if any(number < BATCH or number % BATCH for number in args.images):
        parser.error(f'--images must be multiples of {BATCH}, got '
                     f'{args.images}')
    if args.worker:
        print(json.dumps(measure(args.images[0])))
        return
    found = []  # first: a child's peak is at least its parent's memory
    for number in args.images:
        command = [sys.executable, os.path.abspath(__file__), '--worker',
                   '--images', str(number)]
        out = subprocess.run(command, check=True, capture_output=True,
                             text=True).stdout
        found.append(json.loads(out.splitlines()[-1]))
        print('{images} images: peak {peak_mib:.0f} MiB ({added_mib:.0f} for '
              'sums), sums {sum_seconds:.1f} s, scores {final_seconds:.1f} s'
              .format(**found[-1]))
    last, speed = found[-1], args.images_per_second or inception_speed()
    print('peak memory, last over first: '
          f'{last["peak_mib"] / found[0]["peak_mib"]:.3f}\n'
          f'Inception: {speed:.2f} images/s')
    for number in (last['images'], 50000):
        spent = (last['sum_seconds'] * number / last['images']
                 + last['final_seconds'])
        print(f'{number} images: {spent:.0f} s beside {number / speed:.0f} s '
              f'of extraction, {100 * spent * speed / number:.2f} %')


if __name__ == '__main__':
    main()
