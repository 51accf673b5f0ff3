"""Saved folders on the Hugging Face hub; huggingface_hub is optional."""
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from rcg.apis.saved.content import FILES
from rcg.apis.saved.reading import is_saved

_NAME = re.compile(r'[\w-][\w.-]*/[\w-][\w.-]*')


def folder_of(name: str, revision: str | None = None,
              token: str | None = None) -> str:
    """A saved folder: one of this machine, or one that is downloaded.

    Of a repository the files of a saved folder alone are fetched, into the
    cache of huggingface_hub.

    Args:
        name: A folder, or 'user/name' on the hub.
        revision: Branch, tag or commit; a commit cannot change later.
        token: For private repositories.

    Raises:
        FileNotFoundError: It is neither.
        ImportError: huggingface_hub is missing.
        OSError: The download failed.
    """
    path = os.path.expanduser(name)
    if is_saved(path):
        return path
    if os.path.isdir(path):
        raise FileNotFoundError(
            f"the folder '{name}' holds no rcg.json, so no save_pretrained() "
            'wrote it. RCGInferencer(folder) takes a work folder.')
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(f"There is no folder '{name}', and a name on "
                                "the hub is 'user/name'.")
    hub = _hub()
    return _told(name, lambda: hub.snapshot_download(
        name, revision=revision, token=token, allow_patterns=list(FILES)))


def push(save: Callable[[str], None], name: str, private: bool = True,
         revision: str | None = None, token: str | None = None) -> str:
    """Save a model in a folder that is gone afterwards, and upload it.

    Args:
        save: Called with the folder.
        name: 'user/name' on the hub; it is made if it is not there.
        private: Whether a new repository is private.
        revision: Branch to write to; by default the main one.
        token: By default that of ``hf auth login``.

    Returns:
        Address of the upload.

    Raises:
        ValueError: It is no such name.
        ImportError: huggingface_hub is missing.
        OSError: The upload failed.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a name on the hub is 'user/name', got '{name}'.")
    api = _hub().HfApi(token=token)
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder, name.partition('/')[2]))
        save(place)
        _told(name, lambda: api.create_repo(name, private=private,
                                            exist_ok=True))
        return str(_told(name, lambda: api.upload_folder(
            repo_id=name, folder_path=place, revision=revision,
            allow_patterns=list(FILES), delete_patterns=list(FILES),
            commit_message='Upload a model of rcg')))


def _hub() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            'models on the Hugging Face hub need its package: pip install '
            'huggingface_hub. Or download the folder in another way and give '
            'its path.') from error
    return huggingface_hub


def _told(name: str, call: Callable):
    """Call the hub; its errors name the repository and what to do."""
    try:
        return call()
    except (OSError, ValueError) as error:
        text = ' '.join(str(error).split())[:300]
        raise OSError(
            f"'{name}' could not be read from the hub ("
            f'{type(error).__name__}: {text}). Check that the name is right, '
            'that you have access (hf auth login), and that there is a '
            'network connection.') from error
