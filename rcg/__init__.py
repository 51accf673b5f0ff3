"""Representation-Conditioned image Generation (RCG, arXiv:2312.03701)."""

__version__ = '0.1.0'
