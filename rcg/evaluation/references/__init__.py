"""What generated images are compared with: datasets and statistics."""
from .build import build_reference
from .dataset_reference import DatasetReference
from .reference import Reference
from .statistics_file import StatisticsFile

__all__ = ['DatasetReference', 'Reference', 'StatisticsFile',
           'build_reference']
