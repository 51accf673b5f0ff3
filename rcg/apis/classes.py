"""Labels of classes by the names of the classes."""
import contextlib
import difflib
import json
import os
import re
from collections.abc import Sequence

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
        raise ValueError(f'{type_name(wanted)} has no names of classes; give '
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
        raise ValueError('classes need a class-conditional model; neither '
                         'generator nor RDM of this one is.')
    numbers = file is None and all(map(str.isdecimal, words))
    names = []  # numbers need none
    with contextlib.suppress(*(OSError, ValueError) if numbers else ()):
        names = class_names(cfg, file)
    if names and len(names) != num_classes:
        raise ValueError(f'there are {len(names)} names for the '
                         f'{num_classes} classes of the model; give the '
                         'right ones with --class-names FILE.')
    known = {}
    for label, synonyms in enumerate(names):
        for name in synonyms:
            known.setdefault(_plain(name), []).append(label)
    labels = [_find_label(word, known, names, num_classes) for word in words]
    return {label: names[label][0] if names else f'class {label}'
            for label in labels}


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
