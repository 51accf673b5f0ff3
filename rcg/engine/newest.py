"""The newest checkpoint of a work folder that can be read."""
from collections.abc import Callable

from mmengine.dist import (
    all_gather_object,
    broadcast_object_list,
    is_main_process,
)

from rcg.checkpoint import CheckpointError, list_checkpoints


def read_newest(folder: str, read: Callable[[str], dict],
                warn: Callable[[str], None]) -> tuple[str, dict] | None:
    """Read the newest checkpoint that is intact on all processes.

    All processes call this together, and all take the same file.

    Args:
        folder: A work folder.
        read: Reads a file. It raises CheckpointError or OSError if that
            cannot be used.
        warn: Is called with a sentence for each file that was passed over.

    Returns:
        Path and content. None if the folder holds neither a checkpoint nor a
        ``last_checkpoint``: nothing has been saved there yet.

    Raises:
        CheckpointError: No checkpoint can be used; the message has them all.
    """
    candidates, wrong = _list(folder)
    tried = []
    if wrong is not None:
        tried.append(wrong)
        warn(f'{wrong} The checkpoint with the highest number is tried.')
    for path in candidates:
        content, reason = _attempt(read, path)
        reason = next(filter(None, all_gather_object(reason)), None)
        if reason is None:
            if tried:
                warn(f"Going on from '{path}' instead.")
            return path, content
        tried.append(f"'{path}': {reason}")
        warn(f"The checkpoint '{path}' is passed over. {reason}")
    if not tried:
        return None
    lines = '\n  '.join(tried)
    raise CheckpointError(
        f"No checkpoint in '{folder}' can be resumed from:\n  {lines}\n"
        'Put an intact one there, or start from the beginning without '
        '--resume.')


def _list(folder: str) -> tuple[list[str], str | None]:
    """The list of the first process; others may see the folder late."""
    listed = [None]
    if is_main_process():
        try:
            listed = [list_checkpoints(folder)]
        except OSError as error:
            listed = [([], f"'{folder}' cannot be listed ({error}).")]
    broadcast_object_list(listed)
    return listed[0]


def _attempt(read: Callable[[str], dict], path: str
             ) -> tuple[dict | None, str | None]:
    """Content, or why there is none."""
    try:
        return read(path), None
    except (CheckpointError, OSError) as error:
        return None, str(error)
