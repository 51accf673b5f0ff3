"""Files from the network, checked before they are used."""
import os

import torch


def download(url: str, path: str, sha256: str) -> None:
    """Fetch a file. It appears at ``path`` if it is the published one.

    Args:
        url: Where it is published.
        path: Where to put it; its folder is made.
        sha256: Of the published file, all 64 digits.

    Raises:
        ConnectionError: It cannot be fetched, or something else came. Nothing
            of it is kept.
    """
    assert len(sha256) == 64, sha256
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, path, sha256, progress=False)
    except RuntimeError as error:  # torch compares the hash
        raise ConnectionError(
            f'what came from {url} is not what was published: its SHA-256 '
            f'is not {sha256}. It was not kept. A proxy or a login page may '
            'have answered: try again, or fetch the file elsewhere') from error
    except OSError as error:
        raise ConnectionError(f'{url}: {error}') from error
