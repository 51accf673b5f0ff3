"""Scores of generated images: pure functions, and metrics that use them."""
from .extractors import CLIP, DINOv2, Extractor, Inception, shared_extractor
from .functional import (
    Moments,
    density_coverage,
    frechet_distance,
    frechet_influence,
    inception_score,
    kernel_distance,
    knn_accuracy,
    nearest_train,
    precision_recall,
)
from .metrics import (
    Accuracy,
    ColorDistance,
    ColorError,
    DensityCoverage,
    FrechetDistance,
    FrechetInfinity,
    FrechetProxy,
    InceptionScore,
    KernelDistance,
    KNNAccuracy,
    NearestTrain,
    PrecisionRecall,
    ReconstructionError,
    RepresentationFrechetDistance,
    RowMetric,
    SampleMetric,
    StructuralSimilarity,
    SumMetric,
)
from .references import (
    DatasetReference,
    Reference,
    StatisticsFile,
    build_reference,
)

__all__ = [
    'Accuracy', 'CLIP', 'ColorDistance', 'ColorError', 'DINOv2',
    'DatasetReference',
    'DensityCoverage', 'Extractor',
    'FrechetDistance', 'FrechetInfinity', 'FrechetProxy', 'Inception',
    'InceptionScore',
    'KNNAccuracy', 'KernelDistance', 'Moments', 'NearestTrain',
    'PrecisionRecall', 'ReconstructionError', 'Reference',
    'RepresentationFrechetDistance', 'RowMetric', 'SampleMetric',
    'StatisticsFile', 'StructuralSimilarity', 'SumMetric', 'build_reference',
    'density_coverage', 'frechet_distance', 'frechet_influence',
    'inception_score', 'kernel_distance', 'knn_accuracy', 'nearest_train',
    'precision_recall', 'shared_extractor'
]
