"""Dicts of a child config, or of options, in the place of None."""
from mmengine.config import ConfigDict


def without_nones(base, changes):
    """A base with empty dicts for None where changes have a dict.

    A base config switches a part off by None: ``timer=None``. MMEngine then
    refuses ``timer=dict(type=...)`` in a child, which can mean one thing only.

    Args:
        base: Nested dicts and lists, which stay as they are.
        changes: Nested dicts that will be merged into it. A key of a list is
            an index as text.
    """
    if not isinstance(changes, dict):
        return base
    if isinstance(base, dict):
        base = base.copy()
        keys = {key: key for key in changes if key in base}
    elif isinstance(base, list):
        base = list(base)
        keys = {key: int(key) for key in changes
                if str(key).isdecimal() and int(key) < len(base)}
    else:
        return base
    for key, place in keys.items():
        change = dict.__getitem__(changes, key)
        if isinstance(change, dict):
            value = _item(base, place)
            base[place] = (ConfigDict() if value is None
                           else without_nones(value, change))
    return base


def _item(container: dict | list, place):
    """An item; one that a pure-Python config imports is not imported."""
    if isinstance(container, dict):
        return dict.__getitem__(container, place)
    return container[place]
