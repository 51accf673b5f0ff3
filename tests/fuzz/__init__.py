"""Readers against mutated files: python -m tests.fuzz --cases 10000.

Each of ``FUZZERS`` takes a seed, a number of cases and an empty folder, and
returns how many were read and how many refused.
"""
from .arrays import fuzz_edm2, fuzz_image_archives, fuzz_statistics
from .images import fuzz_images
from .pth import fuzz_pth
from .shards import fuzz_tar_shards
from .texts import (
    fuzz_class_names,
    fuzz_last_checkpoint,
    fuzz_metrics,
    fuzz_options,
    fuzz_sweeps,
)

FUZZERS = dict(
    pth=fuzz_pth, statistics=fuzz_statistics,
    image_archives=fuzz_image_archives,
    edm2=fuzz_edm2, images=fuzz_images, tar_shards=fuzz_tar_shards,
    metrics=fuzz_metrics,
    sweeps=fuzz_sweeps, class_names=fuzz_class_names,
    last_checkpoint=fuzz_last_checkpoint, options=fuzz_options)
