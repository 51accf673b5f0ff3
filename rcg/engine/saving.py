"""Checkpoints for a model: read, and written where MMEngine wants them."""
import os

from mmengine.fileio import FileClient, LocalBackend, get_file_backend
from mmengine.runner import save_checkpoint
from torch import nn

from rcg.checkpoint import (
    CheckpointError,
    check_fit,
    read_checkpoint,
    save_atomically,
    to_plain,
    weights_of,
    what_fits,
    with_current_names,
)
from rcg.engine.states import on_cpu
from rcg.engine.unwrapping import bare_model


def write_checkpoint(checkpoint: dict, folder: str, name: str,
                     file_client_args: dict | None = None,
                     backend_args: dict | None = None) -> None:
    """Write tensors and built-in types; on a local disk atomically.

    Args:
        checkpoint: Its numpy values and log histories are replaced, its
            tensors are copied to the CPU.
        folder: Path, or an address that one of MMEngine's file backends
            knows ('s3://...').
        file_client_args: Of MMEngine's FileClient, as in old configs.
        backend_args: Of MMEngine's file backend.

    Raises:
        OSError: Writing failed; earlier checkpoints are untouched.
        ValueError: Both kinds of arguments are given.
    """
    if file_client_args is not None and backend_args is not None:
        raise ValueError('file_client_args and backend_args are both given; '
                         'delete file_client_args, the older name.')
    content = on_cpu(to_plain(checkpoint))
    path = os.path.join(folder, name)
    if file_client_args is None:
        backend = get_file_backend(folder, backend_args=backend_args)
    else:
        backend = FileClient.infer_client(file_client_args, folder).client
    if isinstance(backend, LocalBackend):
        os.makedirs(folder, exist_ok=True)
        save_atomically(content, path)
    else:
        save_checkpoint(content, path, file_client_args=file_client_args,
                        backend_args=backend_args)


def read_checkpoint_for(model: nn.Module, path: str) -> dict:
    """Read a file; its weights and averages get the names of the model's.

    Returns:
        The checkpoint; of a file of plain weights, their ``state_dict``.

    Raises:
        CheckpointError: The file is damaged, or holds more than data.
    """
    content, own = read_checkpoint(path), model.state_dict().keys()
    if 'state_dict' in content:
        _check_kinds(content, path)
    state = {name.removeprefix('module.'): value
             for name, value in weights_of(content).items()}
    checkpoint = content if 'state_dict' in content else {}
    checkpoint['state_dict'] = with_current_names(state, own)
    if 'ema_state_dict' in checkpoint:
        checkpoint['ema_state_dict'] = with_current_names(
            checkpoint['ema_state_dict'], {f'module.{name}' for name in own})
    return checkpoint


def _check_kinds(checkpoint: dict, path: str) -> None:
    """Check that what we look into are dicts.

    Raises:
        CheckpointError: One is something else.
    """
    entries = {name: checkpoint.get(name, {}) for name in (
        'meta', 'message_hub', 'state_dict', 'ema_state_dict')}
    if isinstance(entries['meta'], dict):
        entries["meta['run']"] = entries['meta'].get('run', {})
    for name, value in entries.items():
        if not isinstance(value, dict):
            raise CheckpointError(
                f"'{path}' is no checkpoint of a training: its {name} is a "
                f'{type(value).__name__}, not a dict. Take an earlier file.')


def share_of(model: nn.Module, state: dict) -> str:
    """How much of a model's weights a state dict holds, in words."""
    own = model.state_dict()
    total = max(sum(value.numel() for value in own.values()), 1)
    share = sum(state[name].numel() for name in state) / total
    return f'{len(state)} of {len(own)} tensors ({share:.1%} of the values)'


def fitting_weights(runner, state: dict, filename: str,
                    strict: bool) -> dict:
    """Those of a file's weights that fit the model of a Runner.

    Args:
        state: Weights by name.
        filename: Where they are from, for messages.
        strict: Refuse all if one does not fit; otherwise a warning names
            those that do not.

    Raises:
        CheckpointError: The weights do not fit; if not strict, hardly any.
    """
    model = bare_model(runner)
    try:
        check_fit(model, state, filename)
    except CheckpointError as error:
        if strict:
            raise
        try:
            state = what_fits(model, state, filename)
        except CheckpointError as little:
            raise CheckpointError(f'{error} {little}') from None
        runner.logger.warning(str(error))
    return state
