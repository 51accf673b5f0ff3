"""Scores of generated images: pure functions, and metrics that use them."""
from rcg.evaluation.density_coverage import density_coverage
from rcg.evaluation.feature_metrics import (
    DensityCoverage,
    KernelDistance,
    PrecisionRecall,
)
from rcg.evaluation.features import Extractor, shared_extractor
from rcg.evaluation.frechet import frechet_distance
from rcg.evaluation.inception import Inception
from rcg.evaluation.inception_score import InceptionScore, inception_score
from rcg.evaluation.kernel_distance import kernel_distance
from rcg.evaluation.knn import KNNAccuracy, knn_accuracy
from rcg.evaluation.metrics import (
    Accuracy,
    FrechetDistance,
    ReconstructionError,
    RepresentationFrechetDistance,
    StructuralSimilarity,
)
from rcg.evaluation.moments import Moments
from rcg.evaluation.nearest import NearestTrain, nearest_train
from rcg.evaluation.precision_recall import precision_recall
from rcg.evaluation.proxy import FrechetProxy, frechet_influence
from rcg.evaluation.reference import Reference
from rcg.evaluation.sample_metric import (
    FrechetMetric,
    SampleMetric,
    StreamMetric,
)
from rcg.evaluation.ssim import structural_similarity
from rcg.evaluation.statistics import StatisticsFile, build_reference
from rcg.evaluation.transformers import CLIP, DINOv2

__all__ = [
    'Accuracy', 'CLIP', 'DINOv2', 'DensityCoverage', 'Extractor',
    'FrechetDistance', 'FrechetMetric', 'FrechetProxy', 'Inception',
    'InceptionScore', 'KNNAccuracy', 'KernelDistance', 'Moments',
    'NearestTrain', 'PrecisionRecall', 'ReconstructionError', 'Reference',
    'RepresentationFrechetDistance', 'SampleMetric', 'StatisticsFile',
    'StreamMetric', 'StructuralSimilarity', 'build_reference',
    'density_coverage', 'frechet_distance', 'frechet_influence',
    'inception_score', 'kernel_distance', 'knn_accuracy', 'nearest_train',
    'precision_recall', 'shared_extractor', 'structural_similarity'
]
