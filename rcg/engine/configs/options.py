"""Options of the command line, ``key=value``, for a config."""
import math
from collections.abc import Iterator

from mmengine.config import Config, DictAction

from rcg.engine.configs.merging import without_nones

MAX_CHARS = 16 << 10
MAX_DEPTH = 32  # of keys, and of brackets
_PARTNER = {')': '(', ']': '['}


def parse_options(options: list[str]) -> dict:
    """Turn ``key=value`` strings into a dict of dotted keys.

    Values mean what they mean to MMEngine's ``DictAction``, whose own parser
    does not come to an end with ``f(a,b)`` and takes hours for long values.

    Raises:
        ValueError: An option has no '=', no key or too long a one; its
            brackets do not match or nest deeper than ``MAX_DEPTH``; or its
            number is too large to be one.
    """
    parsed = {}
    for option in options:
        key, equals, value = option.partition('=')
        if not equals or not all(key.split('.')):
            raise ValueError('--cfg-options takes key=value pairs, got '
                             f'{_short(option)}.')
        if (len(option) > MAX_CHARS or '\0' in option
                or key.count('.') >= MAX_DEPTH):
            raise ValueError(
                f'the option {_short(option)} has a null character, more than '
                f'{MAX_CHARS:,} characters or more than {MAX_DEPTH} dotted '
                'keys: put long values into a config file.')
        try:
            parsed[key] = parse_value(value)
            if isinstance(parsed[key], str):  # it lost its spaces
                parsed[key] = _without_quotes(value)
        except ValueError as error:
            raise ValueError(f'the option {_short(option)}: {error}'
                             ) from error
    return parsed


def _without_quotes(text: str) -> str:
    """Text without a pair of quotes around it."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in '\'"':
        return text[1:-1]
    return text


def merge_options(cfg: Config, options: dict) -> None:
    """Merge a dict of dotted keys into a config; a dict may replace None.

    Raises:
        KeyError, TypeError, ValueError: A key does not fit the config.
    """
    try:
        filled = without_nones(cfg._cfg_dict, _nested(options))
        object.__setattr__(cfg, '_cfg_dict', filled)
        cfg.merge_from_dict(options)
    except (AttributeError, IndexError, RecursionError) as error:
        raise ValueError(
            f'the options {_short(", ".join(options))} do not fit the config '
            'or each other: one sets a key of something that is not a dict, '
            'or replaces an item of a list by something that is not a dict '
            f'({_short(str(error))}).'
            ) from error


def _nested(options: dict) -> dict:
    """Dotted keys as nested dicts."""
    nested = {}
    for dotted, value in options.items():
        inner, (*path, last) = nested, dotted.split('.')
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return nested


def parse_value(text: str, depth: int = 0):
    """A number, True, False, None, a text, or a list or tuple of those.

    Raises:
        ValueError: See :func:`parse_options`.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f'brackets nest deeper than {MAX_DEPTH} levels.')
    text = text.strip('\'"').replace(' ', '')
    bracketed = len(text) > 1 and text[0] + text[-1] in ('()', '[]')
    if not bracketed and ',' not in text:
        return _scalar(text)
    parts = list(_split(text))
    if bracketed and _closes_at_end(text):
        items = [parse_value(part, depth + 1) for part in _split(text[1:-1])]
        return tuple(items) if text[0] == '(' else items
    if parts == [text]:  # commas in brackets, such as f(a,b)
        return text
    return [parse_value(part, depth + 1) for part in parts]


def _split(text: str) -> Iterator[str]:
    """Parts between commas that no bracket surrounds.

    Raises:
        ValueError: Brackets do not match.
    """
    start, opened = 0, []
    for place, char in enumerate(text):
        if char in '([':
            opened.append(char)
        elif char in _PARTNER and (
                not opened or opened.pop() != _PARTNER[char]):
            raise ValueError('its brackets do not match.')
        elif char == ',' and not opened:
            yield text[start:place]
            start = place + 1
    if opened:
        raise ValueError('its brackets do not match.')
    if start < len(text):  # a comma may end it
        yield text[start:]


def _closes_at_end(text: str) -> bool:
    """Whether the first bracket closes at the end of a text."""
    level = 0
    for char in text[:-1]:
        if char in '([':
            level += 1
        elif char in ')]':
            level -= 1
        if level == 0:
            return False
    return True


def _scalar(text: str):
    value = DictAction._parse_int_float_bool(text)
    if isinstance(value, float):
        if math.isinf(value) and 'inf' not in text.lower():
            raise ValueError('the number is too large.')
    elif isinstance(value, int) and value.bit_length() > 64:
        raise ValueError('the number is too large.')
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f'{text[:77]}...')
