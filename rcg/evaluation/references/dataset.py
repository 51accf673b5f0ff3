"""Features and moments of a dataset, the other side of a comparison."""
import contextlib
import hashlib
import json
import os
import weakref

import torch
from mmengine import dist
from torch import Tensor
from torch.utils.data import DataLoader

from rcg.checkpoint import CheckpointError, read_checkpoint, save_atomically
from rcg.evaluation.extractors.extractor import Extractor
from rcg.evaluation.functional.moments import Moments
from rcg.evaluation.gathering import add_up, gather_in_order
from rcg.registry import DATASETS

# Fixed, because a network may round differently in a batch of another size.
_BATCH_SIZE = 64
_VERSION = 1  # of the results; those of others are not used
_SHARED: 'weakref.WeakValueDictionary' = weakref.WeakValueDictionary()
# Names of mean and covariance in files; the second pair is ADM's, for sFID.
MOMENTS = {'features': ('mu', 'sigma'), 'spatial': ('mu_s', 'sigma_s')}


class Reference:
    """A dataset seen through a feature extractor.

    All processes must ask for a result together: each reads its share of the
    images. One pass over them serves all references to the same images. The
    results stay with the extractor and, if its weights have a hash, in a file
    below RCG_CACHE (``~/.cache/rcg``) named by all that they depend on.

    Args:
        dataset: Config; a random pipeline is a ValueError.
        extractor, feature: What to look through, and which of its outputs.
        rows: Whether :meth:`features` will be asked for, not only moments.
    """

    def __init__(self, dataset: dict, extractor: Extractor,
                 feature: str = 'features', rows: bool = False) -> None:
        self._key = json.dumps(dataset, sort_keys=True, default=str)
        # Listing the files of a large dataset takes long: once is enough.
        self.dataset = _SHARED.get(self._key) or DATASETS.build(dataset)
        _SHARED[self._key], self.extractor = self.dataset, extractor
        self.feature = feature
        if self.dataset.is_random:
            raise ValueError(
                'a reference must be the same every time, but the pipeline '
                f'of {type(self.dataset).__name__} is random: use CenterCrop '
                'instead of RandomCrop, and no RandomFlip.')
        # By (rows?, feature); None until it is there. And what they are of.
        self._results = extractor.references.setdefault(self._key, {})
        self._results.setdefault((rows, feature))

    def moments(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean (D,) and covariance (D, D) of the features, float64."""
        found = self._once(False, device)
        return tuple(found[name].double() for name in MOMENTS[self.feature])

    def features(self, device: torch.device) -> Tensor:
        """Features (N, D) in the order of the dataset, on the CPU."""
        return self._once(True, device)['features']

    def check(self, dim: int) -> None:
        """Raise ValueError if features of ``dim`` numbers cannot fit."""

    def describe(self) -> dict:
        """Name, kind, hash, and what is known of how it was made."""
        if 'about' not in self._results:  # hashing a long list takes long
            cfg, data = json.loads(self._key), self.dataset
            places = map(cfg.get, ('type', 'data_root', 'path', 'split'))
            self._results['about'] = dict(
                name=' '.join(os.path.basename(place.rstrip('/'))
                              for place in places if place),
                kind='images', count=len(data),
                sha256=getattr(data, 'fingerprint', lambda: None)(),
                transform=cfg.get('pipeline', []))
            # A file of the same name and size may be another image.
            self._results['times'] = [
                os.stat(os.path.join(data.root, path)).st_mtime_ns
                for path in getattr(data, 'paths', ())]
        return dict(self._results['about'])

    def _once(self, rows: bool, device: torch.device) -> dict[str, Tensor]:
        results, wanted = self._results, (rows, self.feature)
        if results.setdefault(wanted) is None:
            todo = [key for key, found in results.items() if found is None]
            results.update((key, _read(self._path(*key))) for key in todo)
            todo = [key for key in todo if results[key] is None]
            results.update(self._compute(todo, device) if todo else {})
            for key in todo:
                self._write(results[key], self._path(*key))
        return results[wanted]

    def _path(self, rows: bool, feature: str) -> str | None:
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
        size, kept = len(self.dataset), {key: [] for key in todo}
        indices = torch.arange(size).split(_BATCH_SIZE)[
            dist.get_rank()::dist.get_world_size()]
        cores = (len(os.sched_getaffinity(0)) if hasattr(
            os, 'sched_getaffinity') else os.cpu_count() or 1)
        workers = min(8, cores, len(indices)) * (not self.dataset.in_memory)
        for batch in DataLoader(self.dataset, num_workers=workers,
                                batch_sampler=[i.tolist() for i in indices]):
            outputs = self.extractor(batch['images'].to(device))
            for (rows, feature), mine in kept.items():
                values = outputs[feature]
                if rows:
                    mine.append(values.cpu())
                    continue
                if not mine:
                    mine.append(Moments(values.shape[1], device))
                mine[0].add(values)
        indices = torch.cat([torch.zeros(0, dtype=torch.int64), *indices])
        for (rows, feature), mine in kept.items():
            if rows:
                mine = torch.cat(mine or [torch.zeros(0, 0)])
                found = {'features': gather_in_order(indices, mine, size)}
            else:
                sums = (mine[0].sums if mine else
                        torch.zeros(0, 0, 0, 0, dtype=torch.float64))
                both = Moments.from_sums(add_up(sums)).mean_and_covariance()
                found = dict(zip(MOMENTS[feature], both, strict=True))
            kept[rows, feature] = found
        return kept


def identity(extractor: dict) -> dict:
    """Of an extractor's description, what determines the features."""
    return {k: v for k, v in extractor.items() if k != 'weights'}


def _read(path: str | None) -> dict[str, Tensor] | None:
    """What the first process finds in a file, on all processes."""
    found = [None]
    if path is not None and dist.is_main_process() and os.path.isfile(path):
        with contextlib.suppress(CheckpointError):  # damaged: made anew
            found = [read_checkpoint(path)]
    dist.broadcast_object_list(found)
    return found[0]
