"""Checkpoints: found, read without running code, written all or nothing."""
from .errors import CheckpointError
from .finding import file_sha256, find_checkpoint, is_complete
from .loading import check_fit, load_state_dict, load_weights, weights_of
from .published import read_published
from .reading import read_checkpoint, read_metadata, to_plain
from .writing import open_atomically, save_atomically

__all__ = [
    'CheckpointError', 'check_fit', 'file_sha256', 'find_checkpoint',
    'is_complete', 'load_state_dict', 'load_weights', 'open_atomically',
    'read_checkpoint', 'read_metadata', 'read_published', 'save_atomically',
    'to_plain', 'weights_of'
]
