"""Scores as functions of features, logits or pixels."""
from .distances import frechet_distance, frechet_influence, kernel_distance
from .inception_score import inception_score
from .moments import Moments
from .neighbors import (
    density_coverage,
    knn_accuracy,
    nearest_train,
    precision_recall,
)
from .ssim import structural_similarity

__all__ = [
    'Moments', 'density_coverage', 'frechet_distance', 'frechet_influence',
    'inception_score', 'kernel_distance', 'knn_accuracy', 'nearest_train',
    'precision_recall', 'structural_similarity'
]
