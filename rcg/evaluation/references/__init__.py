"""What generated images are compared with: data sets and statistics."""
from .dataset import Reference
from .statistics import StatisticsFile, build_reference

__all__ = ['Reference', 'StatisticsFile', 'build_reference']
