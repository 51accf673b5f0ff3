"""A file of statistics as the reference: ADM's, EDM's, pytorch-fid's, ours."""
import os

import torch
from torch import Tensor

from rcg.evaluation.extractors.extractor import Extractor, file_stamp
from rcg.evaluation.references.dataset_reference import DatasetReference
from rcg.evaluation.references.reference import MOMENTS, Reference, identity
from rcg.evaluation.references.statistics_formats import read_npz


class StatisticsFile(Reference):
    """An npz file in place of a dataset.

    It holds ``mu`` and ``sigma`` of features. ADM's (arXiv:2105.05233) also
    hold ``mu_s`` and ``sigma_s`` of spatial ones and some of the images,
    ``arr_0``. Ours hold the ``features`` and, in ``about``, what they were
    made from. tools/reference_statistics.py converts other formats.

    Args:
        path: The file.
        extractor: What made the statistics, as far as the file tells; images
            go through it if they are needed.
        feature: Which of its outputs to take.
        rows: Whether :meth:`features` will be asked for, not only moments.
        name: In the protocol; by default that of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, holds something else or too little, or
            says that another extractor made it.
    """

    def __init__(self, path: str, extractor: Extractor,
                 feature: str = 'features', rows: bool = False,
                 name: str | None = None) -> None:
        super().__init__(feature)
        self.path = path = os.path.expanduser(path)
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f"There is no folder and no npz file '{path}'. Put the "
                'reference there, correct the path, or leave its metrics out; '
                'configs/_base_/evaluation say how, and where to get it.')
        self._content, about = read_npz(path, *file_stamp(path))
        self._images = None  # looked at if statistics are not enough
        if not self._suffices(rows):
            self._images = DatasetReference(
                {'type': 'ImageArchive', 'path': path}, extractor, feature,
                rows)
        made_by, ours = about.get('extractor'), extractor.describe()
        if made_by and identity(made_by) != identity(ours):
            raise ValueError(
                f"'{path}' was made with another extractor, weights or "
                f'resize: {identity(made_by)}, not {identity(ours)}. Make it '
                'again with tools/reference_statistics.py.')
        note = 'not stated; Inception of 2015-12-05 by convention'
        self._facts = {**about, 'kind': 'statistics',
                       'name': name or os.path.basename(path),
                       'extractor': made_by or note}

    def _suffices(self, rows: bool) -> bool:
        """Whether images need not be looked at.

        Raises:
            ValueError: They would have to be, and there are none.
        """
        needed = {'features'} if rows else set(MOMENTS[self.feature])
        if needed <= self._content.keys():
            return True
        if 'arr_0' in self._content:
            return False
        raise ValueError(
            f"'{self.path}' holds {sorted(self._content)}, not "
            f'{" and ".join(sorted(needed))}, nor images (arr_0): take a '
            'folder of images as the reference, or leave out the metric '
            '(precision, recall, density, coverage and KID need images; sFID '
            'needs mu_s and sigma_s).')

    def describe(self) -> dict:
        return dict(self._facts)

    def results(self, rows: bool, device: torch.device) -> dict[str, Tensor]:
        if self._images is not None:
            return self._images.results(rows, device)
        names = ['features'] if rows else MOMENTS[self.feature]
        return {name: torch.from_numpy(self._content[name])
                for name in names}

    def check(self, dim: int) -> None:
        mean = self._content.get(MOMENTS[self.feature][0])
        if mean is not None and len(mean) != dim:
            raise ValueError(
                f"'{self.path}' was made with another extractor: its features "
                f'have {len(mean)} numbers, ours {dim}. Inception gives 2048, '
                'DINOv2 ViT-L 1024.')
