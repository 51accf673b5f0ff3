"""Files of reference statistics: made of images, or converted."""
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import init_default_scope

from rcg.apis.scoring import extractor_config
from rcg.checkpoint import file_sha256
from rcg.datasets.image_files import inspect_images
from rcg.engine.devices import usable_device
from rcg.evaluation import DatasetReference, shared_extractor
from rcg.evaluation.references import statistics_formats
from rcg.evaluation.references.command_line import describe_npz


def write_reference_statistics(
        real: str, out: str, *, extractor: str = 'inception',
        weights: str | None = None, spatial: bool = False,
        features: bool = False, section: str = 'fid', num_workers: int = 0,
        device: str | None = None) -> dict[str, np.ndarray]:
    """Make a file of statistics of images, or convert one.

    Args:
        real: A folder of images of one size or an npz file of them
            (``arr_0``); or a file of statistics: .npz, .pkl, .pt,
            .safetensors.
        out: The file to write: .npz, .pkl or .pt.
        extractor: Of images: inception, dinov2, clip, or the path of a
            config with ``extractor``.
        weights: File of the extractor's weights.
        spatial: Of images: also mean and covariance of spatial features, for
            sFID.
        features: Of images: also their features, for precision, recall and
            KID.
        section: Of an EDM2 pickle: 'fid' or 'fd_dinov2'.
        num_workers: Processes that look at the files first.
        device: By default a GPU, if there is one.

    Returns:
        The arrays by name; ``mu`` and ``sigma`` are always there.

    Raises:
        ValueError: A file is damaged, or of a format that is not known.
    """
    init_default_scope('rcg')
    device = usable_device(device)
    if _holds_images(real):
        arrays, about = _from_images(real, extractor_config(
            extractor, weights), spatial, features, num_workers, device)
    else:
        arrays, about = statistics_formats.read(real, section)
        about |= dict(source=Path(real).name, source_sha256=file_sha256(real))
    Path(out).resolve().parent.mkdir(parents=True, exist_ok=True)
    statistics_formats.write(out, arrays, about, section)
    return arrays


def _holds_images(real: str) -> bool:
    if Path(real).is_dir():
        return True
    if not (real.endswith('.npz') and Path(real).is_file()):
        return False
    names = describe_npz(real)[0]
    return 'arr_0' in names and 'mu' not in names


def _from_images(real: str, extractor_cfg: dict, spatial: bool,
                 features: bool, num_workers: int, device: torch.device
                 ) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays by name, and their description."""
    images = inspect_images(real, num_workers)
    extractor = shared_extractor(extractor_cfg)
    print(f'{images.count} images of {images.size[0]}x{images.size[1]}',
          flush=True)
    # All are built before the first is asked: one pass then serves all.
    moments = DatasetReference(images.dataset, extractor)
    if features:
        rows = DatasetReference(images.dataset, extractor, rows=True)
    if spatial:
        of_places = DatasetReference(images.dataset, extractor, 'spatial')
    found = dict(zip(('mu', 'sigma'), moments.moments(device), strict=True))
    if features:
        found['features'] = rows.features(device)
    if spatial:
        found.update(zip(('mu_s', 'sigma_s'), of_places.moments(device),
                         strict=True))
    about = moments.describe() | dict(
        extractor=extractor.describe(), image_size=images.size,
        converted=images.converted, jpeg_files=images.lossy)
    return {name: value.numpy() for name, value in found.items()}, about
