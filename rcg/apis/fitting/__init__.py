"""From a folder of images to a trained RCG and a report, in one call."""
from rcg.apis.fitting.run import fit

__all__ = ['fit']
