"""How fast a model trains and samples, beside the plain way, in one run."""
from rcg.apis.benchmarking.run import benchmark

__all__ = ['benchmark']
