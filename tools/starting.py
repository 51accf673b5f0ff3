"""How a tool begins, before anything of rcg is imported."""
import sys
from contextlib import AbstractContextManager


def friendly_errors(debug: bool, *resume: str) -> AbstractContextManager:
    """:func:`rcg.engine.tool.friendly_errors`, where rcg is installed.

    Where it is not, or lacks what it needs, say how to install it.
    """
    try:
        from rcg.engine import tool
    except ModuleNotFoundError as error:
        sys.exit(f"error: there is no module '{error.name}'. Install the "
                 'project first: pip install -e . (in its folder)')
    return tool.friendly_errors(debug, *resume)
