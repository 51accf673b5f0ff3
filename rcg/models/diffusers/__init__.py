"""Representation diffusers: what draws representations."""
from .rdm import RDM
from .stored import StoredRepresentations

__all__ = ['RDM', 'StoredRepresentations']
