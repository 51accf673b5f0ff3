"""From what a config names to a reference."""
import os

from rcg.evaluation.extractors.extractor import Extractor
from rcg.evaluation.references.dataset_reference import DatasetReference
from rcg.evaluation.references.reference import Reference
from rcg.evaluation.references.statistics_file import StatisticsFile
from rcg.registry import type_name


def build_reference(reference: dict | str, extractor: Extractor,
                    feature: str = 'features',
                    rows: bool = False) -> Reference:
    """Build what a metric compares with.

    Args:
        reference: Config of a dataset, a folder of images, an npz file, or
            ``dict(type='StatisticsFile', path=..., name=...)``.
        extractor: What images go through.
        feature: Which of its outputs to compare.
        rows: Whether all features are needed, not only their moments.

    Raises:
        FileNotFoundError, ValueError: See :class:`DatasetReference` and
            :class:`StatisticsFile`.
    """
    if not isinstance(reference, dict):
        path = os.path.expanduser(reference)
        if not os.path.isdir(path):
            return StatisticsFile(path, extractor, feature, rows)
        reference = dict(type='ImageFolder', data_root=path)
    if type_name(reference) != 'StatisticsFile':
        return DatasetReference(dict(reference), extractor, feature, rows)
    options = {name: value for name, value in reference.items()
               if name != 'type'}
    return StatisticsFile(extractor=extractor, feature=feature, rows=rows,
                          **options)
