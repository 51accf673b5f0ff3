"""A page about a run, or about several beside each other."""
from rcg.apis.reporting.run import report

__all__ = ['report']
