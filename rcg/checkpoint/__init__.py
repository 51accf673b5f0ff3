"""Checkpoints: found, read without running code, written all or nothing."""
from .errors import CheckpointError
from .finding import file_sha256, find_checkpoint, is_complete
from .loading import (
    REST,
    check_fit,
    find_weights,
    load_state_dict,
    load_weights,
    weights_of,
)
from .reading import read_checkpoint, read_metadata, to_plain
from .writing import open_atomically, save_atomically

__all__ = [
    'REST', 'CheckpointError', 'check_fit', 'file_sha256', 'find_checkpoint',
    'find_weights', 'is_complete', 'load_state_dict', 'load_weights',
    'open_atomically', 'read_checkpoint', 'read_metadata', 'save_atomically',
    'to_plain', 'weights_of'
]
