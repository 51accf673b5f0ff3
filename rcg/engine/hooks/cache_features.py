"""Outputs of the frozen parts, computed once instead of in every epoch."""
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from torch import Tensor
from torch.utils.data import Subset, default_collate

from rcg.checkpoint import CheckpointError, read_checkpoint, save_atomically
from rcg.engine.console import log
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.disk_space import free_bytes, in_gb, num_bytes
from rcg.engine.distributed import on_first_process, usable_cores
from rcg.engine.frozen_parts import frozen_parts, part_digest
from rcg.engine.halving import Halving
from rcg.engine.processes.signals import deferred, requested
from rcg.engine.processes.stopping import get_on, leave
from rcg.engine.timed_lines import TimedLines
from rcg.engine.trial import check_names, first_items, try_loss
from rcg.engine.unwrapping import bare_model
from rcg.precision import float32_precision
from rcg.registry import HOOKS


@HOOKS.register_module()
class CacheFeaturesHook(Hook):
    """Trains on stored outputs of the frozen parts instead of images.

    Before training, the first process runs ``model.encode(images)`` over the
    training data and stores the result; all processes load it. The file's name
    is a hash of the data set, the names of the features, the weights and
    configs of the frozen parts, and the precision of float32 on a GPU. If one
    of them changes, a new file is made.

    A signal that asks to stop leaves the features that are computed in a file
    beside it, from which the next start goes on.

    Before the first features of a run are computed, the loss of two images is
    tried: what does not fit shows at once.

    Only the parts that the model names in ``encoding_parts`` are hashed, if
    it has that attribute: those that ``encode`` uses.

    Args:
        cache_dir: Folder of the stored features, shared by all processes.
        names: The features to keep, e.g. ('codes', 'representations').
        batch_size: Images at a time.
        num_workers: Processes that read images.

    A file that is cut off is made anew: its copying or the disk's space had
    an end. If all of it is there but a checksum is wrong, the disk or the
    memory changes data, which whoever trains must know.

    Raises:
        ValueError: The data set has random augmentations or no fingerprint,
            or ``encode`` does not return the features.
        CheckpointError: Stored features are not those that were written.
    """

    priority = 'HIGH'

    def __init__(self, cache_dir: str, names: list[str],
                 batch_size: int = 128, num_workers: int = 0) -> None:
        self.cache_dir, self.names = cache_dir, sorted(names)
        self.batch_size, self.num_workers = batch_size, num_workers

    def before_train(self, runner) -> None:
        dataset = runner.train_dataloader.dataset
        if getattr(dataset, 'is_random', False):
            raise ValueError(
                'CacheFeaturesHook needs a data set without random '
                'augmentations: each image has one set of stored features. '
                'Remove the random transforms, or the hook.')
        for name in ('fingerprint', 'attach'):
            if not hasattr(dataset, name):
                stock = getattr(dataset, 'dataset', dataset)
                raise ValueError(
                    f'CacheFeaturesHook cannot store features of this data '
                    f'set: {type(stock).__name__} has no {name}(). Train on '
                    'a data set of rcg, such as ImageFolder, or remove the '
                    'hook.')
        path = os.path.join(self.cache_dir, self.key(runner) + '.pt')
        if get_world_size() > 1 and on_first_process(
                lambda: not os.path.lexists(path)):
            try_loss(runner, self.names)
        on_first_process(lambda: self._store(runner, dataset, path))
        features = self._read(runner, path, len(dataset))
        if features is None:
            raise CheckpointError(
                f"The features '{path}' were stored and cannot be read: name "
                'a cache_dir that all processes share.')
        dataset.attach(features)
        log(runner, f'features: {", ".join(self.names)} of '
                    f'{len(dataset)} images from {path}')

    def _store(self, runner, dataset, path: str) -> None:
        """Compute the features, unless they are in the file."""
        if self._read(runner, path, len(dataset)) is not None:
            return
        with deferred():
            features = self._compute(runner, dataset, path + '.begun')
        os.makedirs(self.cache_dir, exist_ok=True)
        save_atomically(features, path)
        with contextlib.suppress(FileNotFoundError):
            os.remove(path + '.begun')

    def key(self, runner) -> str:
        """Hash of all that the features depend on."""
        parts = frozen_parts(bare_model(runner))
        configs = runner.cfg.get('model', {})
        used = getattr(bare_model(runner), 'encoding_parts', None)
        if used is not None:
            parts = {n: p for n, p in parts.items()
                     if n.partition('.')[0] in used}
            configs = {n: c for n, c in configs.items() if n in used}
        content = dict(
            parts={n: part_digest(part) for n, part in parts.items()},
            configs=list(_part_configs(configs)), names=self.names,
            float32=float32_precision(),
            dataset=str(runner.train_dataloader.dataset.fingerprint()))
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _check_space(self, chunks: dict, count: int, size: int) -> None:
        """Refuse to begin if the features of all images will not fit.

        Args:
            chunks: Features of the first images.
            count: How many images these are.
            size: How many there will be.
        """
        needed = num_bytes(chunks) * size // count
        free = free_bytes(self.cache_dir)
        if free is not None and free < needed:
            raise ValueError(
                f'features of {size} images need {in_gb(needed)}, and there '
                f"are {in_gb(free)} free in '{self.cache_dir}': make room, or "
                'set another cache_dir of CacheFeaturesHook.')

    def _read(self, runner, path: str, size: int
              ) -> dict[str, Tensor] | None:
        """The stored features; None if they must be computed."""
        if not os.path.lexists(path):
            return None
        try:
            features = read_checkpoint(path)
        except (CheckpointError, OSError) as error:
            runner.logger.warning(f'{error} These features are computed again')
            return None
        whole = all(isinstance(features.get(name), Tensor)
                    and len(features[name]) == size for name in self.names)
        return features if whole else None

    @torch.no_grad()
    def _compute(self, runner, dataset, begun: str) -> dict[str, Tensor]:
        """Compute all features; keep those of a part if a signal stops it.

        Args:
            begun: File of such a part.
        """
        model = bare_model(runner).eval()  # the loop sets train mode
        kept = self._read_begun(begun)
        chunks = {name: [kept[name]] for name in self.names if kept}
        chunks = chunks or {name: [] for name in self.names}
        first = done = sum(map(len, chunks[self.names[0]]))
        loader = WatchedLoader(
            Subset(dataset, range(first, len(dataset))), self.batch_size,
            collate_fn=_images_and_items,
            num_workers=min(self.num_workers, usable_cores()))
        lines, halving = TimedLines(), Halving('caching features')
        for images, items in loader:
            # Several processes have tried it together.
            if done == first and get_world_size() == 1:
                try_loss(runner, self.names, items)
            for name, rows in self._encode(model, images, halving).items():
                chunks[name].append(rows)
            done += len(images)
            if done == first + len(images):
                self._check_space(chunks, done, len(dataset))
            get_on(f'computing features, {done} of {len(dataset)}')
            if done < len(dataset) and lines.due():
                left = lines.left(done - first, len(dataset) - first)
                log(runner, f'features: {done}/{len(dataset)} images  {left}')
            if requested():
                os.makedirs(self.cache_dir, exist_ok=True)
                save_atomically(_joined(chunks) | _sources(
                    dataset, kept, first), begun)
                leave(f'features of {done} of {len(dataset)} images are kept')
        return _joined(chunks) | _sources(dataset, kept, first)

    def _read_begun(self, path: str) -> dict[str, Tensor]:
        """Features of the first images; empty if there are none."""
        try:
            kept = read_checkpoint(path)
        except (FileNotFoundError, CheckpointError):
            return {}
        found = [kept.get(name) for name in self.names]
        whole = all(isinstance(rows, Tensor) and len(rows) == len(found[0])
                    for rows in found)
        return kept if whole else {}

    def _encode(self, model, images: Tensor, halving: Halving
                ) -> dict[str, Tensor]:
        """Features of images (N, 3, H, W), N at most the batch size."""
        count = len(images)
        # The last batch is filled up with its last image, because results
        # may round differently in a batch of another size.
        images = images[torch.arange(self.batch_size).clamp(max=count - 1)]
        outputs = halving(
            lambda part: model.encode(
                model.data_preprocessor({'images': part})['images']),
            images)
        check_names(model, outputs, self.names)
        return {name: outputs[name][:count].cpu() for name in self.names}


def _joined(chunks: dict[str, list[Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat(parts) for name, parts in chunks.items()}


def _sources(dataset, kept: dict[str, Tensor], first: int
             ) -> dict[str, Tensor]:
    """Whose features an image has: a bad one has its substitute's.

    So has its label.

    Args:
        dataset: It knows the bad images that it has read.
        kept: Features of an earlier session, with what this returned.
        first: Number of the first image of this session.
    """
    found = getattr(dataset, 'substitutes', dict)().get('sources')
    earlier = kept.get('sources')
    if found is None and earlier is None:
        return {}
    sources = torch.arange(len(dataset))
    if earlier is not None:
        sources[:first] = earlier[:first]
    if found is not None:
        sources[first:] = found[first:]
    return {'sources': sources}


def _images_and_items(items: Sequence[dict]) -> tuple[Tensor, list[dict]]:
    """All images of a batch, and its first items."""
    images = default_collate([item['images'] for item in items])
    return images, first_items(items)


def _part_configs(cfg) -> Iterator[dict]:
    """Configs of frozen parts, without the paths of their weights."""
    if isinstance(cfg, dict):
        if 'checkpoint' in cfg:
            yield {k: v for k, v in cfg.items() if k != 'checkpoint'}
        for value in cfg.values():
            yield from _part_configs(value)
