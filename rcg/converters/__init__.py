"""Weights in the formats of others, to ours and back.

``convert`` reads a published file, ``publish`` restores one; what a file is
called in either world is in the module of its format. Commands:
tools/convert_checkpoint.py and tools/check_weights.py.
"""
from rcg.converters.conversion import ConvertedFile, convert
from rcg.converters.publication import publish

__all__ = ['ConvertedFile', 'convert', 'publish']
