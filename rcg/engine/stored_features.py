"""Features of the views of images, in files that are mapped to be read."""
import json
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rcg.checkpoint import (
    CheckpointError,
    map_tensors,
    open_atomically,
    read_checkpoint,
    save_atomically,
)
from rcg.files import read_json

_ABOUT = 'about.json'


class Shard(NamedTuple):
    """Rows of one view in one file: of images start to stop - 1."""
    view: int
    start: int
    stop: int


class FeatureFolder:
    """A folder of features, a file for each :class:`Shard`.

    Views come one after the other, so that more can be added later. A file is
    whole or not there.

    Args:
        path: The folder, made with the first file.
        about: What the features depend on, by name.
        num_images: Images of the dataset.
        shard_size: Images in a file. A folder that exists keeps its own.
    """

    def __init__(self, path: str, about: dict[str, str], num_images: int,
                 shard_size: int) -> None:
        self.path, self.about, self.num_images = path, about, num_images
        self.shard_size = shard_size
        found = read_about(path)
        if found is not None:
            self.shard_size = found['shard_size']

    def shards(self, num_views: int) -> list[Shard]:
        """All shards of so many views, in order."""
        return [Shard(view, start, min(start + self.shard_size,
                                       self.num_images))
                for view in range(num_views)
                for start in range(0, self.num_images, self.shard_size)]

    def file(self, shard: Shard) -> str:
        return os.path.join(
            self.path, f'{shard.view:03}_{shard.start:09}.safetensors')

    def write(self, shard: Shard, rows: dict[str, Tensor]) -> None:
        """Write a shard; ``rows`` are those of :func:`joined`."""
        os.makedirs(self.path, exist_ok=True)
        about = os.path.join(self.path, _ABOUT)
        if not os.path.exists(about):
            content = dict(about=self.about, num_images=self.num_images,
                           shard_size=self.shard_size)
            with open_atomically(about) as file:
                file.write((json.dumps(content, indent=1) + '\n').encode())
        save_atomically(rows, self.file(shard))

    def fault(self, shard: Shard, names: Sequence[str]) -> str | None:
        """What is wrong with a shard; None if it can be used.

        All of it is read and compared with its checksums. Empty if there is
        no such file.
        """
        path = self.file(shard)
        if not os.path.lexists(path):
            return ''
        try:
            rows = read_checkpoint(path)
        except (CheckpointError, OSError) as error:
            return str(error)
        size = shard.stop - shard.start
        wrong = [name for name in names if name not in rows
                 or len(rows[name]) != size]
        return f"'{path}' lacks {', '.join(wrong)}." if wrong else None

    def open(self, num_views: int) -> dict[str, 'StoredRows']:
        """Rows of all shards by name, mapped; see :class:`StoredRows`."""
        files = [self.file(shard) for shard in self.shards(num_views)]
        return {name: StoredRows(files, name) for name in map_tensors(
            files[0])}


def read_about(path: str) -> dict | None:
    """What a folder says of its features; None if it holds none."""
    try:
        found = read_json(os.path.join(path, _ABOUT))
        return found if isinstance(found['shard_size'], int) and isinstance(
            found['about'], dict) else None
    except (OSError, ValueError, KeyError):
        return None


def joined(chunks: Sequence[dict[str, Tensor]], dtype: torch.dtype
           ) -> dict[str, Tensor]:
    """Rows of several batches as they are stored; see :func:`narrowed`."""
    return {name: narrowed(torch.cat([chunk[name] for chunk in chunks]), dtype)
            for name in chunks[0]}


def narrowed(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Rows in the fewest bytes: integers exactly, others in ``dtype``.

    Raises:
        ValueError: A finite number has no finite value in ``dtype``.
    """
    if rows.is_floating_point():
        narrow = rows.to(dtype)
        if (narrow.isinf() & rows.isfinite()).any():
            raise ValueError(
                f'a feature of {rows.abs().max():.3g} is too large for '
                f'{dtype}: set dtype=float32 of CacheFeaturesHook.')
        return narrow
    low, high = (int(x) for x in rows.aminmax())
    for smaller in (torch.uint16, torch.int32):
        limits = torch.iinfo(smaller)
        if limits.min <= low and high <= limits.max:
            return rows.to(smaller)
    return rows


class StoredRows:
    """Rows of one feature in mapped files, indexed as a tensor is.

    Floating-point numbers come out as float32, integers as int64. All
    processes of a machine share the pages that they read. A copy for another
    process maps the files anew.

    Args:
        files: Those of the shards, in order.
        name: Of the feature.
    """

    def __init__(self, files: Sequence[str], name: str) -> None:
        self.files, self.name = tuple(files), name
        self._map()

    def _map(self) -> None:
        # NumPy indexes a row in a fraction of torch's time.
        self.parts = [map_tensors(file)[self.name].numpy()
                      for file in self.files]
        sizes = np.array([len(part) for part in self.parts])
        self._ends = sizes.cumsum()
        self._starts = self._ends - sizes
        floating = self.parts[0].dtype.kind == 'f'
        self._dtype = np.float32 if floating else np.int64

    def __getstate__(self) -> dict:
        return dict(files=self.files, name=self.name)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._map()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, rows) -> Tensor:
        """Rows: an index gives (...), a slice or several indices (N, ...)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._between(start, max(start, stop))
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.ndim == 0:
            return self[rows[None]][0]
        shards = np.searchsorted(self._ends, rows, 'right')
        taken = np.empty((len(rows), *self.parts[0].shape[1:]), self._dtype)
        places = rows - self._starts[shards]
        # A batch has one row or two of each shard. To group them by shard
        # takes twice as long: 2.1 ms for 512 rows of 313 shards, 1.0 so.
        for i, (shard, place) in enumerate(zip(
                shards.tolist(), places.tolist(), strict=True)):
            taken[i] = self.parts[shard][place]
        return torch.from_numpy(taken)

    def _between(self, start: int, stop: int) -> Tensor:
        """Neighbors: whole stretches of the shards are copied at once."""
        taken = np.empty((stop - start, *self.parts[0].shape[1:]), self._dtype)
        for shard in range(np.searchsorted(self._ends, start, 'right'),
                           np.searchsorted(self._starts, stop, 'left')):
            first = max(start, self._starts[shard])
            last = min(stop, self._ends[shard])
            offset = self._starts[shard]
            taken[first - start:last - start] = (
                self.parts[shard][first - offset:last - offset])
        return torch.from_numpy(taken)
