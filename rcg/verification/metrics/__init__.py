"""Scores of this package and of torch-fidelity on fixed images."""
from rcg.verification.metrics.check import verify_metrics

__all__ = ['verify_metrics']
