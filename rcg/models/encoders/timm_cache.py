"""Weights of timm models in the caches of this machine."""
import os
import re
from urllib.parse import urlparse

import torch

from rcg.checkpoint import CheckpointError, file_sha256

_WEIGHTS = 'model.safetensors', 'pytorch_model.bin'  # in the hub's folders
_HUB = 'hf-hub:', 'hf_hub:'  # a model by its address on the hub


def cache_folders() -> tuple[str, str]:
    """The caches of the Hugging Face hub and of torch.hub."""
    from huggingface_hub import constants  # imported by timm
    return (str(constants.HF_HUB_CACHE),
            os.path.join(torch.hub.get_dir(), 'checkpoints'))


def cached_weights(model: str) -> tuple[list[str], list[str]]:
    """Find the weights of a timm model, without the network.

    Args:
        model: Name in timm, or 'hf-hub:' and an address on the hub.

    Returns:
        Paths that exist, and a sentence if the folder of the model lacks the
        file: its download was not completed.
    """
    hub, torch_hub = cache_folders()
    repo, names, url = _published(model)
    paths, incomplete = [], []
    if repo:
        paths += [path for name in names if (path := _in_hub(repo, name))]
        folder = os.path.join(hub, 'models--' + repo.replace('/', '--'))
        if not paths and os.path.isdir(folder):
            incomplete.append(f"'{folder}' holds no complete weights of "
                              f"'{model}': their download was interrupted, "
                              'or never begun.')
    if url:
        path = os.path.join(torch_hub, os.path.basename(urlparse(url).path))
        paths += [path] if os.path.isfile(path) else []
    return paths, incomplete


def check_hash(path: str) -> None:
    """Compare a file with the SHA-256 that its name tells, if it does.

    The hub's cache names its files by it; in that of torch.hub, some names
    end in its first digits.

    Raises:
        CheckpointError: The file is damaged.
    """
    name = os.path.basename(os.path.realpath(path))
    told = re.fullmatch(r'([0-9a-f]{64})|.*-([0-9a-f]{8,})\.\w+', name)
    if told is None:
        return
    sha256 = file_sha256(path)
    if not sha256.startswith(told[1] or told[2]):
        raise CheckpointError(
            f"'{path}' is damaged: its SHA-256 begins with {sha256[:8]}, not "
            f'with {(told[1] or told[2])[:8]}. Delete it, and the file that '
            'it links to, to have it downloaded again.')


def check_network(model: str) -> None:
    """Ask the hub for a model once. timm asks five times, for a minute.

    Raises:
        CheckpointError: No answer came.
    """
    import huggingface_hub as hub
    repo, names, _ = _published(model)
    if not repo:
        return
    repo, _, revision = repo.partition('@')
    try:
        hub.get_hf_file_metadata(
            hub.hf_hub_url(repo, names[0], revision=revision or None),
            timeout=10)
    except (hub.errors.HfHubHTTPError, hub.errors.EntryNotFoundError):
        return  # an answer; timm will say more
    except Exception as error:  # of a library for HTTP, which versions differ
        raise CheckpointError(
            f"The weights of '{model}' are in no cache ("
            f'{", ".join(cache_folders())}), and the hub cannot be reached '
            f'({error}). On a machine without network, download them '
            'elsewhere and name the file: pretrained=PATH.') from error


def _published(model: str) -> tuple[str, tuple[str, ...], str]:
    """Address on the hub, names of files there, and URL; each may be empty."""
    for prefix in _HUB:
        if model.startswith(prefix):
            return model.removeprefix(prefix), _WEIGHTS, ''
    import timm  # takes two seconds
    config = None if ':' in model else timm.get_pretrained_cfg(model)
    if config is None:
        return '', (), ''
    names = (config.hf_hub_filename, ) if config.hf_hub_filename else _WEIGHTS
    return config.hf_hub_id or '', names, config.url or ''


def _in_hub(repo: str, name: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache
    repo, _, revision = repo.partition('@')
    try:
        found = try_to_load_from_cache(repo, name, cache_dir=cache_folders(
            )[0], revision=revision or None)
    except (OSError, ValueError):  # a damaged cache, an impossible address
        return None
    return found if isinstance(found, str) else None
