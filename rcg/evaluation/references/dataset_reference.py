"""A dataset of real images as the reference."""
import contextlib
import hashlib
import json
import os
import weakref
from collections.abc import Iterator

import torch
from mmengine import dist
from torch import Tensor
from torch.utils.data import Dataset

from rcg.checkpoint import CheckpointError, read_checkpoint, save_atomically
from rcg.datasets.remembered import stamp_of
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.distributed import usable_cores
from rcg.evaluation.extractors.extractor import Extractor
from rcg.evaluation.functional.moments import Moments
from rcg.evaluation.gathering import add_up, gather_in_order
from rcg.evaluation.references.reference import MOMENTS, Reference, identity
from rcg.registry import DATASETS

# Fixed, because a network may round differently in a batch of another size.
_BATCH_SIZE = 64
_VERSION = 1  # of the results; those of others are not used
_SHARED: 'weakref.WeakValueDictionary' = weakref.WeakValueDictionary()


class DatasetReference(Reference):
    """A dataset, whose images go through the extractor when needed.

    Each process reads its share of the images. One pass over them serves all
    references to the same images. The results stay with the extractor. If
    its weights have a hash, they are also stored in a file below RCG_CACHE
    (``~/.cache/rcg``), whose name is a hash of all that they depend on.

    Args:
        dataset: Config.
        extractor: What the images go through.
        feature: Which of its outputs to take.
        rows: Whether :meth:`features` will be asked for, not only moments.

    Raises:
        ValueError: The pipeline of the dataset is random.
    """

    def __init__(self, dataset: dict, extractor: Extractor,
                 feature: str = 'features', rows: bool = False) -> None:
        super().__init__(feature)
        self.extractor = extractor
        self._key = json.dumps(dataset, sort_keys=True, default=str)
        # Listing the files of a large dataset takes long: once is enough.
        self.dataset = _SHARED.get(self._key)
        if self.dataset is None:
            self.dataset = _SHARED[self._key] = DATASETS.build(dataset)
        if self.dataset.is_random:
            raise ValueError(
                'a reference must be the same every time, but the pipeline '
                f'of {type(self.dataset).__name__} is random: use CenterCrop '
                'instead of RandomCrop, and no RandomFlip.')
        # By (rows?, feature); None until computed. Also what describe() says.
        self._results = extractor.references.setdefault(self._key, {})
        self._results.setdefault((rows, feature))

    def describe(self) -> dict:
        if 'about' not in self._results:  # hashing a long list takes long
            cfg, data = json.loads(self._key), self.dataset
            places = [cfg.get(name) for name in (
                'type', 'data_root', 'path', 'split')]
            self._results['about'] = dict(
                name=' '.join(os.path.basename(place.rstrip('/'))
                              for place in places if place),
                kind='images', count=len(data),
                sha256=fingerprint(data),
                transform=cfg.get('pipeline', []))
            # A file of the same name and size may be another image. None: it
            # is a broken link, say, which the dataset passes over.
            stamps = (stamp_of(os.path.join(data.root, path))
                      for path in getattr(data, 'paths', ()))
            self._results['times'] = [stamp and stamp[1] for stamp in stamps]
        return dict(self._results['about'])

    def check(self, dim: int) -> None:
        """Any number fits: the features come from the same extractor."""

    def results(self, rows: bool, device: torch.device) -> dict[str, Tensor]:
        results, wanted = self._results, (rows, self.feature)
        if results.setdefault(wanted) is None:
            todo = [key for key, found in results.items() if found is None]
            results.update((key, _read(self._path(*key))) for key in todo)
            todo = [key for key in todo if results[key] is None]
            if todo:
                results.update(self._compute(todo, device))
            for key in todo:
                self._write(results[key], self._path(*key))
        return results[wanted]

    def _path(self, rows: bool, feature: str) -> str | None:
        """File of a result; None if what it depends on has no hash."""
        about, extractor = self.describe(), self.extractor.describe()
        if not (extractor.get('sha256') and about['sha256']):
            return None
        key = json.dumps([_VERSION, rows, feature, about,
                          self._results['times'], identity(extractor)],
                         sort_keys=True)
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        folder = os.environ.get('RCG_CACHE') or os.path.join(
            os.environ.get('XDG_CACHE_HOME') or '~/.cache', 'rcg')
        return os.path.join(os.path.expanduser(folder), 'references',
                            f'{name}.safetensors')

    def _write(self, result: dict[str, Tensor], path: str | None) -> None:
        if path is not None and dist.is_main_process():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            about = self.describe() | {'extractor': self.extractor.describe()}
            save_atomically(result, path, {'about': json.dumps(about)})

    def _compute(self, todo: list[tuple[bool, str]],
                 device: torch.device) -> dict[tuple, dict[str, Tensor]]:
        """Results by (rows?, feature), in one pass over the images."""
        size = len(self.dataset)
        share = torch.arange(size).split(_BATCH_SIZE)[
            dist.get_rank()::dist.get_world_size()]
        kept = {(rows, feature): _Rows() if rows else _Moments(feature)
                for rows, feature in todo}
        for outputs in self._outputs(share, device):
            for (_, feature), part in kept.items():
                part.add(outputs[feature])
        indices = torch.cat([torch.zeros(0, dtype=torch.int64), *share])
        return {key: part.gather(indices, size) for key, part in kept.items()}

    def _outputs(self, batches: list[Tensor],
                 device: torch.device) -> Iterator[dict[str, Tensor]]:
        """What the extractor makes of each batch of indices."""
        workers = 0
        if not self.dataset.in_memory:
            workers = min(8, usable_cores(), len(batches))
        loader = WatchedLoader(self.dataset, num_workers=workers,
                               batch_sampler=[i.tolist() for i in batches])
        for batch in loader:
            yield self.extractor(batch['images'].to(device))


def fingerprint(dataset: Dataset) -> str | None:
    """Hash of the images of a dataset; None if it cannot tell."""
    if hasattr(dataset, 'fingerprint'):
        return dataset.fingerprint()
    return None


class _Rows:
    """The features of this process's images, and then of all."""

    def __init__(self) -> None:
        self._batches = [torch.zeros(0, 0)]

    def add(self, values: Tensor) -> None:
        self._batches.append(values.cpu())

    def gather(self, indices: Tensor, size: int) -> dict[str, Tensor]:
        batches = self._batches[1:] or self._batches
        return {'features': gather_in_order(indices, torch.cat(batches),
                                            size)}


class _Moments:
    """The moments of this process's images, and then of all."""

    def __init__(self, feature: str) -> None:
        self._names, self._moments = MOMENTS[feature], None

    def add(self, values: Tensor) -> None:
        if self._moments is None:
            self._moments = Moments(values.shape[1], values.device)
        self._moments.add(values)

    def gather(self, indices: Tensor, size: int) -> dict[str, Tensor]:
        sums = torch.zeros(0, 0, 0, 0, dtype=torch.float64)
        if self._moments is not None:
            sums = self._moments.sums
        moments = Moments.from_sums(add_up(sums))
        return dict(zip(self._names, moments.mean_and_covariance(),
                        strict=True))


def _read(path: str | None) -> dict[str, Tensor] | None:
    """What the first process finds in a file, on all processes."""
    found = [None]
    if path is not None and dist.is_main_process() and os.path.isfile(path):
        with contextlib.suppress(CheckpointError):  # damaged: made anew
            found = [read_checkpoint(path)]
    dist.broadcast_object_list(found)
    return found[0]
