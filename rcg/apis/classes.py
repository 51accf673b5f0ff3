"""Labels of classes by the names of the classes."""
import contextlib
import difflib
import json
import os
import re
from collections.abc import Callable, Sequence

from mmengine.config import Config

from rcg.apis.images import image_dataset
from rcg.files import MAX_JSON_BYTES, parse_json, read_regular
from rcg.registry import DATASETS, type_name


def class_names(cfg: Config, file: str | None = None) -> list[list[str]]:
    """All names of every class, the usual one first.

    Args:
        cfg: A config with a dataset. Names of ImageNet (with synonyms and
            WordNet ids) come with timm; other datasets have their own.
        file: File of names to take instead: text with a line for each class,
            or JSON, a list or a dict by number. Synonyms are separated by
            commas or are a list.

    Raises:
        ValueError: The dataset has no classes; the file is not understood.
    """
    if file is not None:
        return _read_names(file)
    wanted = image_dataset(cfg)
    if type_name(wanted) == 'ImageNet':  # it need not be on this machine
        from timm.data import ImageNetInfo
        info = ImageNetInfo()
        return [[*info.index_to_description(i).split(', '),
                 info.index_to_label_name(i)]
                for i in range(info.num_classes())]
    classes = DATASETS.build(wanted).classes
    if classes is None:
        raise ValueError(f'{type_name(wanted)} has no class names; give '
                         '--class-names FILE, or numbers.')
    return [[name] for name in classes]


def _read_names(file: str) -> list[list[str]]:
    content = read_regular(os.path.expanduser(file), MAX_JSON_BYTES)
    wanted = (f"'{file}' must hold a name a line, or a JSON list of names, or "
              'a dict of them by "0", "1", ...')
    try:
        text = content.decode()
        entries = parse_json(text, object)
    except ValueError as error:
        if not isinstance(error.__cause__, json.JSONDecodeError):
            raise ValueError(f'{wanted} ({error})') from error
        entries = [line for line in text.splitlines() if line.strip()]
    if isinstance(entries, dict):
        entries = [entries.get(str(i)) for i in range(len(entries))]
    if not (isinstance(entries, list) and entries
            and all(map(_is_name, entries))):
        raise ValueError(wanted)
    return [re.split(r',\s*', entry.strip()) if isinstance(entry, str) else
            entry for entry in entries]


def _is_name(entry) -> bool:
    """Whether it is a name, or a list of synonyms."""
    if isinstance(entry, list):
        return bool(entry) and all(isinstance(name, str) for name in entry)
    return isinstance(entry, str) and bool(entry)


def find_labels(cfg: Config, words: Sequence[str], num_classes: int | None,
                file: str | None = None) -> dict[int, str]:
    """Find the labels of classes.

    Args:
        cfg: A config with a dataset; see :func:`class_names`.
        words: Names of classes in any case, with blanks or underscores; or
            their numbers.
        num_classes: Number of classes of the model; None: it has none.
        file: File of names, in place of those of the dataset.

    Returns:
        Title of the class by its label, in the order of the words.

    Raises:
        ValueError: A word means no class, or several; or the model takes no
            labels. The message lists the classes in question.
    """
    if num_classes is None:
        raise ValueError('drawing by class needs a class-conditional '
                         'generator or RDM, and this model has neither.')
    numbers = file is None and all(map(str.isdecimal, words))
    names = []  # numbers need none
    with contextlib.suppress(*(OSError, ValueError) if numbers else ()):
        names = class_names(cfg, file)
    if names:
        _check_count(names, num_classes)
    labels = labels_of(words, names, num_classes)
    return {label: names[label][0] if names else f'class {label}'
            for label in labels}


def class_titles(cfg: Config, num_classes: int, file: str | None = None
                 ) -> dict[int, str]:
    """The title of each class by its label, as far as names are known.

    Args:
        cfg: A config with a dataset; its images need not be here.
        num_classes: Number of classes of the model.
        file: File of names, in place of those of the dataset.

    Raises:
        ValueError: The file is not understood, or is of other classes.
    """
    try:
        names = class_names(cfg, file)
        _check_count(names, num_classes)
    except (OSError, ValueError):
        if file is not None:
            raise
        return {}  # without the images nobody knows them
    return {label: f'class {name}' if name.isdecimal() else name
            for label, (name, *_) in enumerate(names)}


def _check_count(names: list[list[str]], num_classes: int) -> None:
    if len(names) != num_classes:
        raise ValueError(f'there are {len(names)} names for the '
                         f'{num_classes} classes of the model; give the '
                         'right ones with --class-names FILE.')


def labels_of(words: Sequence[str], names: list[list[str]],
              num_classes: int) -> list[int]:
    """The label of each word.

    Args:
        words: See :func:`find_labels`.
        names: All names of every class; empty if they are not known.
        num_classes: Number of classes of the model.

    Raises:
        ValueError: A word means no class, or several.
    """
    known = {}
    for label, synonyms in enumerate(names):
        for name in synonyms:
            known.setdefault(_plain(name), []).append(label)
    return [_find_label(word, known, names, num_classes) for word in words]


def check_labels(labels, num: int, num_classes: int | None,
                 names: Callable[[], list[list[str]]]) -> list[int]:
    """The label of each of some images.

    Args:
        labels: A label or a name for all, or one of them for each image.
        num: Number of images.
        num_classes: Number of classes of the model; None: it has none.
        names: Returns all names of every class, if they are needed.

    Raises:
        ValueError: The model takes no labels, or has no such class.
    """
    if num_classes is None:
        raise ValueError('this model takes no labels: neither its generator '
                         'nor its RDM is class-conditional.')
    if labels is None:
        raise ValueError(f'this model draws images of {num_classes} classes: '
                         'give labels, numbers from 0 or names, one for all '
                         'images or one for each.')
    if isinstance(labels, (int, str)):
        labels = [labels] * num
    labels = list(labels.tolist() if hasattr(labels, 'tolist') else labels)
    if len(labels) != num:
        raise ValueError(f'there must be one label for each image, got '
                         f'{len(labels)} for {num} images.')
    if words := [label for label in labels if isinstance(label, str)]:
        known = []  # numbers need none
        with contextlib.suppress(*(OSError, ValueError) if all(
                map(str.isdecimal, words)) else ()):
            known = names()
        found = dict(zip(words, labels_of(words, known, num_classes),
                         strict=True))
        labels = [found.get(label, label) for label in labels]
    for label in labels:
        if not 0 <= label < num_classes:
            raise ValueError(f'labels must be in [0, {num_classes}), got '
                             f'{label}.')
    return labels


def _plain(name: str) -> str:
    return name.casefold().replace('_', ' ').strip()


def _find_label(word: str, known: dict[str, list[int]],
                names: list[list[str]], num_classes: int) -> int:
    found = known.get(_plain(word), ())
    if len(found) > 1:
        which = '; '.join(f'{i} ({", ".join(names[i])})' for i in found)
        raise ValueError(f"'{word}' names several classes, give a number: "
                         f'{which}.')
    if found:
        return found[0]
    if word.isdecimal() and int(word) < num_classes:
        return int(word)
    near = [name for name in known if _plain(word) in name.split()]
    near += difflib.get_close_matches(_plain(word), known, n=5)
    hint = ', '.join(repr(name) for name in dict.fromkeys(near[:8]))
    raise ValueError(f"no class is named '{word}'" + (
        f'; near: {hint}.' if hint else
        f'; classes are the numbers 0 to {num_classes - 1}.'))
