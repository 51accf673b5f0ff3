"""Files of statistics, as ADM, EDM and pytorch-fid publish them, and ours."""
import functools
import json
import os
import zipfile
import zlib

import numpy as np
import torch
from torch import Tensor

from rcg.checkpoint import file_sha256
from rcg.evaluation.extractors.extractor import Extractor, file_stamp
from rcg.evaluation.references.dataset import MOMENTS, Reference, identity


class StatisticsFile(Reference):
    """An npz file instead of a dataset.

    It holds ``mu`` and ``sigma`` of features, ADM's (arXiv:2105.05233) also
    ``mu_s`` and ``sigma_s`` of spatial ones and some of the images, ``arr_0``;
    ours the ``features`` and, in ``about``, what they were made from. Other
    formats: tools/reference_statistics.py.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, holds something else or too little, or
            says that another extractor made it.
    """

    def __init__(self, path: str, extractor: Extractor,
                 feature: str = 'features', rows: bool = False,
                 name: str | None = None) -> None:
        path = os.path.expanduser(path)
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f"There is no folder and no npz file '{path}'. Put the "
                'reference there, correct the path, or leave its metrics out; '
                'configs/_base_/evaluation say how, and where to get it.')
        self.path, self.feature, self.images = path, feature, None
        self.content, about = read_npz(path, *file_stamp(path))
        needed = {'features'} if rows else set(MOMENTS[feature])
        if not needed <= self.content.keys():
            if 'arr_0' not in self.content:
                raise ValueError(
                    f"'{path}' holds {sorted(self.content)}, not "
                    f'{" and ".join(sorted(needed))}, nor images (arr_0): '
                    'take a folder of images as the reference, or leave out '
                    'the metric (precision, recall, density, coverage and KID '
                    'need images; sFID needs mu_s and sigma_s).')
            self.images = Reference({'type': 'ImageArchive', 'path': path},
                                    extractor, feature, rows)
        made_by, ours = about.get('extractor'), extractor.describe()
        if made_by and identity(made_by) != identity(ours):
            raise ValueError(
                f"'{path}' was made with another extractor, weights or "
                f'resize: {identity(made_by)}, not {identity(ours)}. Make it '
                'anew (tools/reference_statistics.py).')
        note = 'not stated; Inception of 2015-12-05 by convention'
        self._facts = {**about, 'kind': 'statistics',
                       'name': name or os.path.basename(path),
                       'extractor': made_by or note}

    def describe(self) -> dict:
        return dict(self._facts)

    def _once(self, rows: bool, device: torch.device) -> dict[str, Tensor]:
        if self.images is not None:
            return self.images._once(rows, device)
        return {name: torch.from_numpy(self.content[name]) for name in (
            ['features'] if rows else MOMENTS[self.feature])}

    def check(self, dim: int) -> None:
        mean = self.content.get(MOMENTS[self.feature][0])
        if mean is not None and len(mean) != dim:
            raise ValueError(
                f"'{self.path}' was made with another extractor: its features "
                f'have {len(mean)} numbers, ours {dim}. Inception gives 2048, '
                'DINOv2 ViT-L 1024.')


def build_reference(reference: dict | str, extractor: Extractor,
                    feature: str = 'features',
                    rows: bool = False) -> Reference:
    """What a metric compares with; see :class:`Reference`.

    Args:
        reference: Config of a dataset, a folder of images, an npz file, or
            ``dict(type='StatisticsFile', path=..., name=...)``.
    """
    if not isinstance(reference, dict):
        path = os.path.expanduser(reference)
        if not os.path.isdir(path):
            return StatisticsFile(path, extractor, feature, rows)
        reference = dict(type='ImageFolder', data_root=path)
    reference = dict(reference)
    if reference['type'] != 'StatisticsFile':
        return Reference(reference, extractor, feature, rows)
    del reference['type']
    return StatisticsFile(extractor=extractor, feature=feature, rows=rows,
                          **reference)


@functools.lru_cache(maxsize=4)  # metrics share what is read
def read_npz(path: str, *_) -> tuple[dict, dict]:
    """Checked arrays by name (images: None), and what the file says."""
    wanted = {'features', 'about', *sum(MOMENTS.values(), ())}
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] if name in wanted else None
                       for name in file.files}
        about = json.loads(str(content.pop('about', '{}')))
        for mean, covariance in MOMENTS.values():
            if not content.keys().isdisjoint({mean, covariance}):
                _check_moments(content[mean], content[covariance])
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError,
            AttributeError) as error:
        raise ValueError(
            f"'{path}' is no npz file of statistics, or a damaged or "
            f'truncated one ({str(error)[:200]}). Copy or download it again.'
        ) from error
    return content, {'sha256': file_sha256(path), **about}


def _check_moments(mean: np.ndarray, covariance: np.ndarray) -> None:
    if mean.ndim != 1 or covariance.shape != 2 * mean.shape or not (
            np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError('mean and covariance must be finite, (D,) and (D, D)'
                         f', got {mean.shape} and {covariance.shape}')
