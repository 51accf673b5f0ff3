"""What can be known to be wrong before a training begins."""
from collections.abc import Iterator

import numpy as np
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from rcg.registry import suggestion

# Parts that learn nothing from labels: their classes are of other data.
_FROZEN = ('encoder', 'tokenizer')


def check_metric_names(runner) -> None:
    """Check that validations give the scores that hooks wait for.

    These are ``save_best`` of checkpoint hooks and ``monitor`` of
    EarlyStoppingHook. A name is ``prefix/name``. A metric tells its prefix;
    those of rcg tell in ``reports`` all names.

    Raises:
        ValueError: There is no such score, or no validation.
    """
    for hook in runner.hooks:
        for argument, name in _wanted_scores(hook):
            wanted = f"{argument}='{name}' of {type(hook).__name__}"
            if runner.val_loop is None:
                raise ValueError(
                    f'{wanted} needs validations: give val_cfg, '
                    'val_dataloader and val_evaluator, or delete it.')
            known = _scores(runner.val_loop.evaluator.metrics, name)
            if known is not None and name not in known:
                raise ValueError(
                    f'{wanted} is no score of the validation, which gives '
                    f'{", ".join(known)}.{suggestion(name, known)}')


def _wanted_scores(hook) -> Iterator[tuple[str, str]]:
    if isinstance(hook, EarlyStoppingHook):
        yield 'monitor', hook.monitor
        return
    names = getattr(hook, 'save_best', None) or []
    for name in [names] if isinstance(names, str) else names:
        if not (isinstance(hook, CheckpointHook) and name == 'auto'):
            yield 'save_best', name


def _scores(metrics: list, name: str) -> list[str] | None:
    """Names of scores; None if the wanted one may be among unknown ones."""
    known, start = [], name.partition('/')[0]
    for metric in metrics:
        prefix = getattr(metric, 'prefix', None)
        reports = getattr(metric, 'reports', None)
        if prefix is None or start == 'val':  # MMEngine's losses
            return None
        if reports is None and start == prefix and start != name:
            return None
        known += [f'{prefix}/{one}' for one in reports or ('...', )]
    return known


def check_classes(runner) -> None:
    """Check that a model of classes has as many as its training data.

    A model with fewer fails when it meets the others; one with more trains
    embeddings of classes that do not exist, and draws noise for them. So both
    are refused, unless somebody asked for more: by naming classes without
    images in the dataset, or by ``published_classes`` of the dataset. ImageNet
    has that, as its published models of 1,000 classes are rightly tried on a
    part of it: there a warning is given.

    Raises:
        ValueError: A ``num_classes`` in the config is another number, or the
            training data have no labels.
    """
    dataset = _labelled(runner.train_dataloader.dataset)
    wanted = dict(_num_classes(runner.cfg.get('model') or {}, 'model'))
    if not wanted or not hasattr(dataset, 'labels'):
        return
    if dataset.labels is None:
        raise ValueError(
            f'{_listed(wanted)}, but the training data have no labels: put '
            'each image into one of several class folders, or train a model '
            'without classes.')
    classes = _classes(dataset)
    if classes is None:
        return
    for key in ('custom_hooks', 'val_dataloader', 'test_dataloader'):
        wanted |= _num_classes(runner.cfg.get(key) or {}, key)
    count, names = classes
    wrong = {key: number for key, number in wanted.items() if number != count}
    if not wrong:
        return
    text = _mismatch(wrong, count, names)
    whole = getattr(dataset, 'published_classes', 0)
    if count < whole and set(wanted.values()) <= {whole, count}:
        runner.logger.warning(text)
        return
    raise ValueError(text)


def _mismatch(wrong: dict[str, int], count: int, names: str) -> str:
    text = (f'{_listed(wrong)}, but the training data have {count} '
            f'classes{names}: set num_classes={count} there, or correct the '
            'data.')
    if max(wrong.values()) > count:
        text += (' For classes without images, name all in the dataset: '
                 'ImageFolder(classes=[...]).')
    return text


def check_drawn_classes(runner, dataset, key: str) -> None:
    """Check that no images of classes are asked for that a model has not.

    Fewer than all may be drawn.

    Args:
        runner: With the config of the model.
        dataset: Of the validation or the test.
        key: Its dotted key in the config.

    Raises:
        ValueError: ``num_classes`` of the dataset is larger than that of the
            model.
    """
    drawn = getattr(dataset, 'num_classes', None)
    known = dict(_num_classes(runner.cfg.get('model') or {}, 'model'))
    few = {name: n for name, n in known.items() if n < (drawn or 0)}
    if few:
        raise ValueError(
            f'{key}.num_classes={drawn}, but {_listed(few)}: images can be '
            f'drawn of {min(few.values())} classes at most.')


def _listed(numbers: dict[str, int]) -> str:
    return ' and '.join(f'{key}={number}' for key, number in numbers.items())


def _num_classes(cfg, path: str) -> Iterator[tuple[str, int]]:
    """What a config says, by dotted key."""
    items = enumerate(cfg) if isinstance(cfg, (list, tuple)) else (
        dict.items(cfg) if isinstance(cfg, dict) else ())
    for key, value in items:
        if key == 'num_classes':
            if value:  # None or 0: no classes
                yield f'{path}.num_classes', value
        elif key not in _FROZEN:
            yield from _num_classes(value, f'{path}.{key}')


def _labelled(dataset):
    """The dataset inside of those that wrap it."""
    while not hasattr(dataset, 'labels') and hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    return dataset


def _classes(dataset) -> tuple[int, str] | None:
    """The number of classes and their names in words; None without labels."""
    labels = getattr(dataset, 'labels', None)
    if labels is None or len(labels) == 0:
        return None
    names = getattr(dataset, 'classes', None)
    if not names:
        return int(np.max(labels)) + 1, ''
    shown = [*names[:8], '...'] if len(names) > 8 else names
    return len(names), f' ({", ".join(map(str, shown))})'
