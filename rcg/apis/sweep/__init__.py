"""Scores of a generator at several settings of sampling."""
from rcg.apis.sweep.run import sweep

__all__ = ['sweep']
