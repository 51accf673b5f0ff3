"""Metrics for MMEngine's evaluators, independent of the processes."""
from .accuracy import Accuracy, KNNAccuracy
from .color import ColorDistance, ColorError
from .feature_metric import (
    DensityCoverage,
    FeatureMetric,
    KernelDistance,
    PrecisionRecall,
)
from .frechet import FrechetDistance, RepresentationFrechetDistance
from .frechet_infinity import FrechetInfinity
from .frechet_proxy import FrechetProxy
from .inception_score import InceptionScore
from .nearest_train import NearestTrain
from .reconstruction import ReconstructionError, StructuralSimilarity
from .row_metric import RowMetric
from .sample_metric import SampleMetric
from .sum_metric import SumMetric

__all__ = [
    'Accuracy', 'ColorDistance', 'ColorError', 'DensityCoverage',
    'FeatureMetric',
    'FrechetDistance', 'FrechetInfinity', 'FrechetProxy',
    'InceptionScore', 'KNNAccuracy',
    'KernelDistance', 'NearestTrain', 'PrecisionRecall', 'ReconstructionError',
    'RepresentationFrechetDistance', 'RowMetric', 'SampleMetric',
    'StructuralSimilarity', 'SumMetric'
]
