"""Configs in a form that MMEngine writes as source that can be read again."""
import keyword
import math


def printable(value):
    """Content of which MMEngine's ``Config.pretty_text`` is valid source.

    MMEngine writes keys as they are, keywords as names of arguments, and
    infinity as ``inf``.

    Args:
        value: Nested dicts, lists and tuples.
    """
    if isinstance(value, dict):
        return {_key(key): printable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(printable, value))
    if isinstance(value, float) and not math.isfinite(value):
        return _Source(f"float('{value}')")
    return value


class _Source:
    """Is shown as the source that makes it."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return self.source


def _key(key):
    """A key as it has to stand between single quotes."""
    if not isinstance(key, str):
        return key
    if keyword.iskeyword(key):  # an escape makes it no identifier
        return f'\\x{ord(key[0]):02x}{key[1:]}'
    if key.isidentifier():
        return key
    # With a double quote in front, repr escapes single ones.
    return repr(f'"{key}')[2:-1]
