"""Scores of generated images: pure functions, and metrics that use them."""
from .distances import frechet_distance, frechet_influence, kernel_distance
from .feature_metrics import (
    DensityCoverage,
    FrechetProxy,
    KernelDistance,
    NearestTrain,
    PrecisionRecall,
)
from .features import Extractor, shared_extractor
from .inception_score import InceptionScore, inception_score
from .metrics import (
    Accuracy,
    FrechetDistance,
    KNNAccuracy,
    ReconstructionError,
    RepresentationFrechetDistance,
)
from .moments import Moments
from .neighbors import (
    density_coverage,
    knn_accuracy,
    nearest_train,
    precision_recall,
)
from .published import CLIP, DINOv2, Inception
from .reference import Reference
from .sample_metric import FrechetMetric, SampleMetric, StreamMetric
from .statistics import StatisticsFile, build_reference

__all__ = [
    'Accuracy', 'CLIP', 'DINOv2', 'DensityCoverage', 'Extractor',
    'FrechetDistance', 'FrechetMetric', 'FrechetProxy', 'Inception',
    'InceptionScore', 'KNNAccuracy', 'KernelDistance', 'Moments',
    'NearestTrain', 'PrecisionRecall', 'ReconstructionError', 'Reference',
    'RepresentationFrechetDistance', 'SampleMetric', 'StatisticsFile',
    'StreamMetric', 'build_reference', 'density_coverage',
    'frechet_distance', 'frechet_influence', 'inception_score',
    'kernel_distance', 'knn_accuracy', 'nearest_train', 'precision_recall',
    'shared_extractor'
]
