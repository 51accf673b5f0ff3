"""Checksums of tensors in safetensors files, which have none themselves.

``torch.save`` writes a CRC-32 of each member of its zip files. Files that we
write as safetensors keep the same in their metadata.
"""
import json
import zlib
from collections.abc import Mapping

import torch
from torch import Tensor

_KEY = 'checksums'
_METADATA = ''  # stands for the other metadata; no tensor has this name


def with_checksums(tensors: Mapping[str, Tensor],
                   metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata of a safetensors file, with checksums added.

    Args:
        tensors: By name, contiguous, on the CPU.
        metadata: Whatever else is to be in it.
    """
    metadata = dict(metadata or {})
    return metadata | {_KEY: json.dumps(_checksums(tensors, metadata))}


def wrong_checksums(tensors: Mapping[str, Tensor],
                    metadata: Mapping[str, str] | None) -> list[str]:
    """What differs from the checksums in a file's metadata.

    Args:
        tensors: As they were read.
        metadata: As it was read. Files of others and of earlier versions
            have no checksums: nothing is compared.

    Returns:
        Names of tensors; those that are missing or unexpected, too.
    """
    rest = dict(metadata or {})
    told = rest.pop(_KEY, None)
    if told is None:
        return []
    told, found = json.loads(told), _checksums(tensors, rest)
    return [repr(name) if name else 'the metadata'
            for name in {**told, **found}
            if told.get(name) != found.get(name)]


def _checksums(tensors: Mapping[str, Tensor],
               metadata: dict[str, str]) -> dict[str, int]:
    """CRC-32 of each tensor with its type and shape, and of the metadata."""
    text = json.dumps(metadata, sort_keys=True)
    found = {_METADATA: zlib.crc32(text.encode())}
    for name, value in tensors.items():
        kind = zlib.crc32(f'{value.dtype} {tuple(value.shape)}'.encode())
        content = value.detach().reshape(-1).view(torch.uint8).numpy()
        found[name] = zlib.crc32(content, kind) if len(content) else kind
    return found
