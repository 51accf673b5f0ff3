"""Weights in the formats of others, to ours and back.

``convert`` reads a published file, ``publish`` restores one. Each format has
a module with the names of its tensors. ``check_weights`` compares hashes of
files. Commands: tools/convert_checkpoint.py and tools/check_weights.py.
"""
from rcg.converters.conversion import ConvertedFile, convert
from rcg.converters.known_weights import check_weights
from rcg.converters.publication import publish

__all__ = ['ConvertedFile', 'check_weights', 'convert', 'publish']
