"""Outputs of the frozen parts, computed once instead of in every epoch."""
import os
from collections.abc import Iterator, Sequence

import torch
from mmengine.dist import (
    all_gather_object,
    barrier,
    get_rank,
    get_world_size,
)
from mmengine.hooks import Hook
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from rcg.checkpoint import CheckpointError
from rcg.engine.cache_key import differences, folder_of, what_it_depends_on
from rcg.engine.console import log
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.disk_space import free_bytes, in_gb, num_bytes
from rcg.engine.distributed import on_first_process, usable_cores
from rcg.engine.halving import Halving
from rcg.engine.processes.signals import deferred, requested
from rcg.engine.processes.stopping import get_on, leave
from rcg.engine.stored_features import FeatureFolder, Shard, joined
from rcg.engine.timed_lines import TimedLines, show
from rcg.engine.trial import (
    check_names,
    feature_names,
    first_items,
    try_loss,
)
from rcg.engine.unwrapping import bare_model
from rcg.registry import HOOKS

DTYPES = dict(float16=torch.float16, float32=torch.float32)


@HOOKS.register_module()
class CacheFeaturesHook(Hook):
    """Trains on stored outputs of the frozen parts instead of images.

    Before training, all processes together run ``model.encode(images)`` over
    the training data and store the results. Training maps them into memory:
    the processes of a machine share one copy.

    With random augmentations, K views of each image are stored, and the e-th
    pass over the data trains on view e modulo K: what is drawn repeats every
    K passes. View v of image i is a function of ``seed``, i and v alone. If
    flips are all that is random, both forms are stored, and each visit takes
    the one that it would have drawn: nothing changes. If nothing is random,
    there is one view.

    The features are in a folder of ``cache_dir`` whose name is a hash of all
    that they depend on: images, labels, transforms, weights and configs of
    the frozen parts that ``encode`` uses (``encoding_parts`` of the model, if
    it has that attribute), names, types, seed, and the precision of float32
    on a GPU. If one of them changes, another folder is made. More views are
    added to a folder that has some.

    Work that is stopped or killed goes on with the next start: finished files
    are kept. A file that is damaged is made anew. Before the first features of
    a run are computed, the loss of two images is tried: what does not fit
    shows at once.

    Args:
        cache_dir: Folder of the stored features, shared by all processes.
        names: The features to keep, e.g. ('codes', 'representations'); None:
            all that ``encode`` returns.
        views: K. None: as many as there can be, if that is known.
        dtype: Of stored numbers that are no integers: 'float32', as they are
            computed, or 'float16', in half the space.
        seed: Of the augmentations of views.
        compute: Compute what is missing. If False, it is an error, which
            names what differs from the features that there are.
        batch_size: Images at a time.
        num_workers: Processes of each process that read images.
        shard_size: Images in a file; as many at most are computed again
            after an interruption.

    Raises:
        ValueError: The augmentations are random and ``views`` is not given,
            the data set has no fingerprint, ``encode`` does not return the
            features, or they are missing and not to be computed.
    """

    priority = 'HIGH'
    # With others, a resumed run would go on with other data.
    changes_training = 'views', 'dtype', 'seed'

    def __init__(self, cache_dir: str, names: list[str] | None = None,
                 views: int | None = None, dtype: str = 'float32',
                 seed: int = 0, compute: bool = True, batch_size: int = 128,
                 num_workers: int = 0, shard_size: int = 4096) -> None:
        if dtype not in DTYPES:
            raise ValueError(f'dtype must be one of {", ".join(DTYPES)}, got '
                             f'{dtype!r}.')
        if min(batch_size, shard_size, 1 if views is None else views) < 1:
            raise ValueError('views, batch_size and shard_size must be at '
                             f'least 1, got {views}, {batch_size} and '
                             f'{shard_size}.')
        self.cache_dir = os.path.expanduser(cache_dir)
        self.names = None if names is None else sorted(names)
        self.views, self.dtype, self.seed = views, dtype, seed
        self.compute, self.shard_size = compute, shard_size
        self.batch_size, self.num_workers = batch_size, num_workers

    def before_train(self, runner) -> None:
        dataset = runner.train_dataloader.dataset
        self.prepare(runner)
        dataset.attach(self.folder.open(self.num_views))
        names = ', '.join(self.names)
        what = 'images' if self.num_views == 1 else (
            f'images, {self.num_views} views each,')
        log(runner, f'features: {names} of {len(dataset)} {what} from '
                    f'{self.folder.path}')

    def prepare(self, runner) -> FeatureFolder:
        """Compute what is missing; all processes call this.

        Args:
            runner: It has the model and the training data.

        Returns:
            The folder that holds the features.
        """
        dataset = runner.train_dataloader.dataset
        self.num_views = self._num_views(dataset)
        self.names = self.names or feature_names(runner)
        about = on_first_process(lambda: self.about(runner))
        self.folder = FeatureFolder(folder_of(self.cache_dir, about), about,
                                    len(dataset), self.shard_size)
        missing = self._missing(runner)
        if missing:
            self._explain(runner, missing)
            if get_world_size() > 1:
                try_loss(runner, self.names)
            with deferred():
                self._compute(runner, dataset,
                              missing[get_rank()::get_world_size()])
        barrier()
        there = all_gather_object(all(
            os.path.exists(self.folder.file(shard)) for shard in missing))
        if not all(there):
            raise CheckpointError(
                f"The features '{self.folder.path}' were stored and cannot be "
                'read: name a cache_dir that all processes share.')
        return self.folder

    def about(self, runner) -> dict[str, str]:
        """What the features depend on, by name."""
        dataset = runner.train_dataloader.dataset
        drawn = getattr(dataset, 'is_random', False) and self.views is not None
        return what_it_depends_on(runner, dict(
            features=', '.join(self.names), numbers=self.dtype,
            seed=str(self.seed) if drawn else 'none'))

    def _num_views(self, dataset: Dataset) -> int:
        for name in ('fingerprint', 'attach'):
            if not hasattr(dataset, name):
                stock = getattr(dataset, 'dataset', dataset)
                raise ValueError(
                    f'CacheFeaturesHook cannot store features of this data '
                    f'set: {type(stock).__name__} has no {name}(). Train on '
                    'a data set of rcg, such as ImageFolder, or remove the '
                    'hook.')
        if not getattr(dataset, 'is_random', False):
            return 1
        forms = dataset.fixed() if hasattr(dataset, 'fixed') else None
        if forms is not None:
            return len(forms)
        if self.views is None or not hasattr(dataset, 'views'):
            raise ValueError(
                'CacheFeaturesHook needs to know how many views of an image '
                'to store, because the augmentations are random: set views=8, '
                'for example, and they repeat every 8th epoch (on a data set '
                'of rcg); or remove the random transforms, or the hook.')
        return self.views

    def _missing(self, runner) -> list[Shard]:
        """Shards that must be computed; each process looks at its share."""
        shards = self.folder.shards(self.num_views)
        mine, missing = shards[get_rank()::get_world_size()], []
        for number, shard in enumerate(mine):
            fault = self.folder.fault(shard, self.names)
            if fault is not None:
                missing.append(shard)
            if fault:
                runner.logger.warning(
                    f'{fault} These features are computed again')
            get_on(f'reading features, {number + 1} of {len(mine)} files')
        return sorted(Shard(*shard) for found in all_gather_object(missing)
                      for shard in found)

    def _explain(self, runner, missing: Sequence[Shard]) -> None:
        """Say why features are computed, or that they must be.

        Raises:
            ValueError: They may not be computed.
        """
        others = differences(self.folder.about, self.cache_dir)
        stale = (f"those in '{others[0]}' have other {', '.join(others[1])}"
                 if others else '')
        if not self.compute:
            count = len(self.folder.shards(self.num_views))
            raise ValueError(
                f"{len(missing)} of {count} files of features are missing in "
                f"'{self.cache_dir}'{stale and ': ' + stale}. Make them with "
                'tools/cache_features.py CONFIG, or set compute=True of '
                'CacheFeaturesHook.')
        if stale:
            log(runner, f'features are computed anew: {stale}')

    @torch.no_grad()
    def _compute(self, runner, dataset: Dataset,
                 shards: Sequence[Shard]) -> None:
        """Compute and write shards; a signal stops it after a batch."""
        size, total = len(dataset), sum(s.stop - s.start for s in shards)
        batches = [range(s.view * size + i, s.view * size
                         + min(i + self.batch_size, s.stop))
                   for s in shards
                   for i in range(s.start, s.stop, self.batch_size)]
        source = (dataset.views(self.num_views, self.seed)
                  if hasattr(dataset, 'views') else dataset)
        encoded = self._encoded(runner, WatchedLoader(
            source, batch_sampler=batches, collate_fn=_images_and_items,
            num_workers=min(self.num_workers, usable_cores())))
        lines, done = TimedLines(), 0
        what = 'images' if self.num_views == 1 else 'views'
        for shard in shards:
            chunks, count = [], 0
            while count < shard.stop - shard.start:
                chunks.append(next(encoded))
                count += len(next(iter(chunks[-1].values())))
                if done + count == len(batches[0]):
                    self._check_space(chunks[0], count, size)
                get_on(f'computing features, {done + count} of {total}')
                if done + count < total:
                    show(runner, lines,
                         f'features: {done + count}/{total} {what}',
                         done + count, total)
                if requested() and count < shard.stop - shard.start:
                    leave(f'features of {done} of {total} {what} are kept')
            self.folder.write(shard, joined(chunks, DTYPES[self.dtype]))
            done += count
            if requested() and done < total:
                leave(f'features of {done} of {total} {what} are kept')

    def _check_space(self, chunk: dict[str, Tensor], count: int,
                     size: int) -> None:
        """Refuse to begin if the features of all images will not fit.

        Args:
            chunk: Features of the first images.
            count: How many images these are.
            size: How many there will be, in each view.
        """
        size *= self.num_views
        chunk = joined([chunk], DTYPES[self.dtype])
        needed = num_bytes(chunk) * size // count
        free = free_bytes(self.cache_dir)
        if free is not None and free < needed:
            raise ValueError(
                f'features of {size} images need {in_gb(needed)}, and there '
                f"are {in_gb(free)} free in '{self.cache_dir}': make room, or "
                'set another cache_dir of CacheFeaturesHook.')

    def _encoded(self, runner, loader: WatchedLoader
                 ) -> Iterator[dict[str, Tensor]]:
        """Features, and labels if there are any, of each batch."""
        model = bare_model(runner).eval()  # the loop sets train mode
        halving = Halving('caching features')
        for number, (images, items) in enumerate(loader):
            # Several processes have tried it together.
            if number == 0 and get_world_size() == 1:
                try_loss(runner, self.names, first_items(items))
            rows = self._encode(model, images, halving)
            if 'labels' in items[0]:
                rows['labels'] = torch.stack([x['labels'] for x in items])
            yield rows

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


def _images_and_items(items: Sequence[dict]) -> tuple[Tensor, Sequence[dict]]:
    """All images of a batch, and its items."""
    return default_collate([item['images'] for item in items]), items
