"""Reading configs without MMEngine's lines about each variable."""
import contextlib
from collections.abc import Iterator

from mmengine.logging import MMLogger

from rcg.engine.distributed import local_rank_of_shown_gpu


@contextlib.contextmanager
def quiet_reading() -> Iterator[None]:
    """Let the current logger tell warnings and errors alone."""
    with local_rank_of_shown_gpu():
        console = MMLogger.get_current_instance()
    level = console.level
    console.setLevel('WARNING')
    try:
        yield
    finally:
        console.setLevel(level)
