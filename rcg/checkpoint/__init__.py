"""Checkpoints: found, read without running code, written all or nothing."""
from .finding import (
    CheckpointError,
    file_sha256,
    find_checkpoint,
    list_checkpoints,
)
from .loading import (
    REST,
    LoadedWeights,
    check_fit,
    find_weights,
    load_state_dict,
    load_weights,
    weights_of,
    what_fits,
)
from .reading import read_checkpoint, to_plain
from .renamed import with_current_names
from .writing import open_atomically, save_atomically

__all__ = [
    'REST', 'CheckpointError', 'LoadedWeights', 'check_fit', 'file_sha256',
    'find_checkpoint', 'find_weights', 'list_checkpoints', 'load_state_dict',
    'load_weights', 'open_atomically', 'read_checkpoint', 'save_atomically',
    'to_plain', 'weights_of', 'what_fits', 'with_current_names'
]
