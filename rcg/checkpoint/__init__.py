"""Checkpoints: found, read without running code, written all or nothing."""
from .downloading import download
from .finding import (
    CheckpointError,
    MissingCheckpointError,
    find_checkpoint,
    list_checkpoints,
)
from .hashes import LoadedWeights, file_sha256
from .loading import (
    REST,
    check_fit,
    find_weights,
    load_state_dict,
    load_weights,
    weights_of,
    what_fits,
)
from .reading import map_tensors, read_checkpoint, to_plain
from .renamed import with_current_names
from .run_configs import run_configs
from .utf8 import open_safetensors, utf8_path
from .writing import (
    boot_id,
    lock_file,
    open_atomically,
    remove_unfinished,
    save_atomically,
)

__all__ = [
    'REST', 'CheckpointError', 'LoadedWeights', 'MissingCheckpointError',
    'boot_id', 'check_fit', 'download', 'file_sha256', 'find_checkpoint',
    'find_weights', 'list_checkpoints', 'load_state_dict', 'load_weights',
    'lock_file', 'map_tensors', 'open_atomically', 'open_safetensors',
    'read_checkpoint', 'remove_unfinished', 'run_configs', 'save_atomically',
    'to_plain', 'utf8_path', 'weights_of', 'what_fits', 'with_current_names'
]
