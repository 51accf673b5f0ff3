"""Writing checkpoints where MMEngine's arguments say."""
import os

from mmengine.fileio import FileClient, LocalBackend, get_file_backend
from mmengine.runner import save_checkpoint

from rcg.checkpoint import save_atomically, to_plain
from rcg.engine.states import on_cpu


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
