"""Representation diffusers: what draws representations."""
from .rdm import RDM

__all__ = ['RDM']
