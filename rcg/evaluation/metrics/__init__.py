"""Metrics for MMEngine's evaluators, independent of the processes."""
from .accuracy import Accuracy, KNNAccuracy
from .feature_metrics import (
    DensityCoverage,
    FrechetProxy,
    KernelDistance,
    NearestTrain,
    PrecisionRecall,
)
from .frechet import FrechetDistance, RepresentationFrechetDistance
from .inception_score import InceptionScore
from .reconstruction import ReconstructionError, StructuralSimilarity
from .sample_metric import FrechetMetric, SampleMetric, StreamMetric

__all__ = [
    'Accuracy', 'DensityCoverage', 'FrechetDistance', 'FrechetMetric',
    'FrechetProxy', 'InceptionScore', 'KNNAccuracy', 'KernelDistance',
    'NearestTrain', 'PrecisionRecall', 'ReconstructionError',
    'RepresentationFrechetDistance', 'SampleMetric', 'StreamMetric',
    'StructuralSimilarity'
]
