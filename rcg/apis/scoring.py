"""Scores of images from anywhere: one pass of an extractor, many metrics."""
import sys
import time
from collections.abc import Sequence

import torch
from mmengine.dataset import DefaultSampler
from mmengine.dist import (
    broadcast_object_list,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.registry import init_default_scope

from rcg.apis.json_file import write_json
from rcg.datasets import SeedBatchSampler, collate_batch
from rcg.datasets.image_files import ImageSet, inspect_images
from rcg.engine import load_config
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.devices import usable_device
from rcg.engine.distributed import start_processes, usable_cores
from rcg.evaluation import shared_extractor
from rcg.evaluation.protocol import versions
from rcg.evaluation.references.command_line import (
    inspect_reference,
    places_by_name,
)
from rcg.registry import DATASETS, METRICS, type_name

# Type and settings of a metric, and the fewest images that it works with.
METRICS_BY_NAME = {
    'fid': (dict(type='FrechetDistance'), 2),
    'sfid': (dict(type='FrechetDistance', feature='spatial'), 2),
    'kid': (dict(type='KernelDistance'), 1000),
    'prc': (dict(type='PrecisionRecall'), 4),
    'dc': (dict(type='DensityCoverage'), 6),
    'is': (dict(type='InceptionScore'), 10),
}
# Outputs of the extractor that metrics need, if not its features.
_OUTPUTS = {'sfid': 'spatial', 'is': 'logits'}
# Names of results if the extractor is not Inception.
_NAMED = {'fid': 'fd', 'sfid': 'sfd', 'kid': 'kd'}


def score_images(images: str, references: Sequence[str] = (), *,
                 metrics: Sequence[str] = ('fid', 'is'),
                 extractor: str = 'inception', weights: str | None = None,
                 kid_subset_size: int = 1000, out: str | None = None,
                 batch_size: int = 64, num_workers: int | None = None,
                 device: str | None = None, launcher: str = 'none'
                 ) -> dict | None:
    """Score the images of any generator.

    Args:
        images: Folder of PNG files, in any nesting, or an npz file in ADM's
            format (``arr_0``, uint8, (N, H, W, 3)).
        references: Real images (as above) or their statistics, each 'PLACE' or
            'NAME=PLACE'; results start with the name, or that of the file.
        metrics: Keys of ``METRICS_BY_NAME``.
        extractor: See :func:`extractor_config`.
        weights: File of the extractor's weights.
        kid_subset_size: Images in a subset of KID.
        out: JSON file for the result.
        batch_size: Images at a time.
        num_workers: Processes that read; by default one for each core.
        device: By default a GPU, if there is one.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        Scores by name, and 'protocol': how they were computed. None on all
        processes but the first.

    Raises:
        FileNotFoundError: There are no such images or weights.
        ValueError: The images are not fit to be scored; a metric needs more
            of them, a reference, or another extractor. No such device.
    """
    num_workers, device = _start(launcher, num_workers, device)
    found, real = _look(images, references, num_workers)
    network = extractor_config(extractor, weights)
    built = build_metrics(metrics, network, found.count, real, kid_subset_size)
    check_outputs(metrics, network, found.dataset)
    scores, run = _score(found, built, batch_size, num_workers, device)
    return _finish(images, found, built, scores, run, out)


def _start(launcher: str, num_workers: int | None, device: str | None
           ) -> tuple[int, torch.device]:
    """Join the other processes; the number of workers, and the device."""
    init_default_scope('rcg')
    if num_workers is None:
        num_workers = usable_cores()
    if launcher != 'none':
        start_processes(launcher)
    return num_workers, usable_device(device)


def _look(images: str, references: Sequence[str], num_workers: int
          ) -> tuple[ImageSet, dict[str, dict | str]]:
    """Look at images and references on the first process, for all."""
    found = [None, None]
    if is_main_process():
        try:
            seen = inspect_images(images, num_workers)
            found = [seen, {
                name: inspect_reference(place, seen.size, num_workers)
                for name, place in places_by_name(references).items()}]
        except (ValueError, OSError) as error:
            found = [error, None]
    broadcast_object_list(found)
    if isinstance(found[0], Exception):
        raise found[0]
    if is_main_process():
        _announce(found[0])
    return tuple(found)


def _announce(images: ImageSet) -> None:
    for how, count in images.converted.items():
        print(f'{count} of {images.count} images were not plain RGB: {how}')
    if images.lossy:
        print(f'warning: {images.lossy} of {images.count} images are JPEG '
              'files, whose artifacts the metrics see: never publish a '
              'number of JPEG files. Write PNG.', file=sys.stderr)


def _finish(place: str, images: ImageSet, metrics: list[BaseMetric],
            scores: dict[str, float], run: dict, out: str | None
            ) -> dict | None:
    """Add the protocol to the scores and write both, on the first process."""
    if not is_main_process():
        return None
    result = {**scores, 'protocol': _protocol(place, images, metrics, run)}
    if out:
        write_json(result, out)
    return result


def _protocol(place: str, images: ImageSet, metrics: list[BaseMetric],
              run: dict) -> dict:
    """How scores were computed: the images, metrics, versions and run."""
    dataset = DATASETS.build(images.dataset)
    samples = dict(
        place=place, type=type(dataset).__name__, count=images.count,
        sha256=dataset.fingerprint(), image_size=images.size,
        converted=images.converted, jpeg_files=images.lossy)
    return dict(
        samples=samples,
        metrics=[dict(results=list(metric.names), **metric.describe())
                 for metric in metrics],
        versions=versions(), run=run)


def extractor_config(name: str, weights: str | None = None) -> dict:
    """The config of an extractor by its name.

    Args:
        name: inception, dinov2, clip, or the path of a config with
            ``extractor``.
        weights: File of its weights.

    Raises:
        ValueError: The config has no extractor.
    """
    types = dict(inception='Inception', dinov2='DINOv2', clip='CLIP')
    if name in types:
        found, key = dict(type=types[name]), 'weights_path'
    else:
        cfg = load_config(name).get('extractor')
        if cfg is None:
            raise ValueError(f"'{name}' defines no extractor = dict(...); "
                             'name such a config, or one of '
                             f'{", ".join(types)}.')
        found, key = cfg.to_dict(), 'checkpoint'
    return {**found, key: weights} if weights else found


def build_metrics(names: Sequence[str], extractor: dict, count: int,
                  references: dict[str, dict | str],
                  subset_size: int = 1000) -> list:
    """Build each metric, with each reference if it takes one.

    Args:
        names: Keys of ``METRICS_BY_NAME``.
        extractor: Its config.
        count: Number of images to be scored.
        references: Configs of datasets, or files of statistics, by the
            prefix of their results.
        subset_size: Images in a subset of KID.

    Raises:
        ValueError: There are too few images, or no reference.
    """
    built = []
    for name in names:
        cfg, fewest = METRICS_BY_NAME[name]
        cfg = dict(cfg, extractor=extractor)
        if name == 'kid':
            cfg['subset_size'] = fewest = subset_size
        if count < fewest:
            raise ValueError(
                f"'{name}' needs at least {fewest} images, got {count}: make "
                'more, or leave it out (--metrics; KID: --kid-subset-size).')
        if name in _NAMED:
            kind = type_name(extractor)
            cfg['name'] = (name if kind == 'Inception' else
                           f'{_NAMED[name]}_{kind.lower()}')
        if name == 'is':
            built.append(cfg)
        elif not references:
            raise ValueError(f"'{name}' compares with real images: name them "
                             '(--reference).')
        else:
            built += [dict(cfg, prefix=prefix, reference=reference)
                      for prefix, reference in references.items()]
    return [METRICS.build(cfg) for cfg in built]


def check_outputs(names: Sequence[str], extractor: dict,
                  dataset: dict) -> None:
    """Check that an extractor has the outputs that metrics need.

    Raises:
        ValueError: One is missing.
    """
    first = DATASETS.build(dataset)[0]['images'][None]
    outputs = shared_extractor(extractor)(first)
    for name in names:
        if _OUTPUTS.get(name, 'features') not in outputs:
            raise ValueError(f"'{name}' needs the {_OUTPUTS[name]} output, "
                             f'which {extractor["type"]} does not have: '
                             'leave the metric out (--metrics).')


def _score(found: ImageSet, metrics: list[BaseMetric], batch_size: int,
           num_workers: int, device: torch.device
           ) -> tuple[dict[str, float], dict]:
    """Score all images, the same for any number of processes.

    Returns:
        Scores by name; device, processes, seconds and speed of the run.
    """
    start = time.monotonic()
    dataset = DATASETS.build(found.dataset)
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dataset.metainfo
    loader = WatchedLoader(
        dataset, collate_fn=collate_batch,
        num_workers=0 if dataset.in_memory else num_workers,
        batch_sampler=SeedBatchSampler(
            DefaultSampler(dataset, shuffle=False), batch_size))
    for number, batch in enumerate(loader, 1):
        images = batch['images'].to(device)
        evaluator.process([dict(images=image, index=index) for image, index
                           in zip(images, batch['indices'], strict=True)])
        if number % 50 == 0 or number == len(loader):
            print(f'{number}/{len(loader)} batches', flush=True)
    scores = evaluator.evaluate(len(dataset))
    seconds = time.monotonic() - start
    return scores, dict(
        device=str(device), processes=get_world_size(), seconds=seconds,
        images_per_second=found.count / seconds)
