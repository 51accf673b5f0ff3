"""Data loaders with samplers and datasets of MMEngine and torch."""
from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    InfiniteSampler,
    RepeatDataset,
)
from mmengine.runner import BaseLoop, EpochBasedTrainLoop
from torch.utils.data import ConcatDataset, DataLoader, Sampler, Subset

from rcg.engine.distributed import usable_cores
from rcg.registry import DATA_SAMPLERS, DATASETS, LOOPS

# They cannot be asked for a StreamItem, or lose what it holds.
_PLAIN = (BaseDataset, ClassBalancedDataset, ConcatDataset, RepeatDataset,
          Subset)


def _class_of(value, registry) -> type | None:
    """Class of an object or of what its config builds, if it is a class."""
    if not isinstance(value, dict):
        return type(value)
    kind = value.get('type')
    if isinstance(kind, str):
        kind = registry.get(kind)
    return kind if isinstance(kind, type) else None


def with_possible_workers(dataloader: dict | DataLoader):
    """Limit workers to this process's cores, in a copy of a config.

    torch refuses options of workers where there are none: they are left out.
    A data loader is returned as it is.
    """
    if not isinstance(dataloader, dict):
        return dataloader
    count = min(dataloader.get('num_workers', 0), usable_cores())
    cfg = {**dataloader, 'num_workers': count}
    if count == 0:
        for name in ('persistent_workers', 'prefetch_factor', 'timeout'):
            cfg.pop(name, None)
    return cfg


def with_own_keys(dataloader: dict | DataLoader, loop: dict | BaseLoop):
    """Give each visit of a training image its own key, in a copy of a config.

    Random numbers of a sample come from its key. StreamSampler yields keys;
    around other samplers an ItemSampler is put. Around datasets that know
    plain indices only, a KeyedDataset is put.

    Args:
        dataloader: Config of the training data. A data loader is returned
            as it is.
        loop: Config of the training loop. A StreamTrainLoop keeps its
            sampler, and refuses one that cannot start anywhere.
    """
    if not isinstance(dataloader, dict) or not isinstance(loop, dict):
        return dataloader
    cfg = dict(dataloader)
    kind = _class_of(cfg.get('dataset'), DATASETS)
    plain = kind is not None and issubclass(kind, _PLAIN)
    loop_class = _class_of(loop, LOOPS) if 'type' in loop else None
    sampler = cfg.get('sampler')
    if not (getattr(loop_class, 'needs_position', False)
            or getattr(_class_of(sampler, DATA_SAMPLERS), 'yields_items',
                       sampler is None)):
        cfg['sampler'] = dict(type='rcg.ItemSampler', sampler=sampler)
        # Datasets of rcg understand items; of others it is not known.
        plain = plain or not getattr(kind, 'takes_items', False)
    if plain:
        cfg['dataset'] = dict(type='rcg.KeyedDataset', dataset=cfg['dataset'])
    return cfg


def sampler_of(dataloader: DataLoader) -> Sampler | None:
    """The sampler that yields single indices, if there is one."""
    inside = getattr(dataloader.batch_sampler, 'sampler', None)
    return dataloader.sampler if inside is None else inside


def check_ends(loop: BaseLoop) -> None:
    """Raise a ValueError if an epoch of a training loop has no end."""
    sampler = sampler_of(loop.dataloader)
    sampler = getattr(sampler, 'sampler', sampler)  # of an ItemSampler
    if isinstance(loop, EpochBasedTrainLoop) and (
            hasattr(sampler, 'position')
            or isinstance(sampler, InfiniteSampler)):
        raise ValueError(
            f'{type(loop).__name__} needs a sampler that ends with the epoch, '
            f'got {type(sampler).__name__}, which is endless: use '
            "train_cfg=dict(type='StreamTrainLoop', max_epochs=...) with "
            "StreamSampler, or sampler=dict(type='DefaultSampler', "
            'shuffle=True).')


def check_keys(sampler: Sampler, batch) -> None:
    """Raise a ValueError if a training batch has keys of plain indices.

    Only Runners other than RcgRunner, and data loaders that were built before
    it, get so far.
    """
    has_keys = isinstance(batch, dict) and 'keys' in batch
    # Streams of one's own have a position as well.
    fresh = getattr(sampler, 'yields_items', hasattr(sampler, 'position'))
    if has_keys and not fresh:
        raise ValueError(
            f'{type(sampler).__name__} yields plain indices: every visit of '
            'an image would have the same noise, masks and crops. Set '
            "train_dataloader.sampler=dict(type='StreamSampler', seed=0), or "
            "sampler=dict(type='ItemSampler', sampler=dict(type="
            f"'{type(sampler).__name__}')).")
