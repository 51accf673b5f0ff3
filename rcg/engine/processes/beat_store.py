"""Beats of all processes, in the store of torch.distributed."""
import datetime
import time

from torch import distributed

from .beats import Beat
from .lost import LostProcessError


class BeatStore:
    """Where each process writes its beat, and reads those of all.

    Args:
        store: Shared by all processes.
        world: Their number.

    Attributes:
        ended: The process that keeps the store has ended.
    """

    def __init__(self, store: distributed.Store, world: int) -> None:
        # Another connection: the main thread may wait on the first one.
        store = store.clone() if hasattr(store, 'clone') else store
        self.store = distributed.PrefixStore('rcg', store)
        self.store.set_timeout(datetime.timedelta(days=1))
        self.keys = [str(i) for i in range(world)]

        self.ended = False

    def write(self, beat: Beat) -> None:
        self.store.set(self.keys[beat.rank], beat.encode())

    def exchange(self, beat: Beat) -> list[Beat]:
        """Write a beat, and read those of all, by rank.

        It waits if the process that keeps the store is suspended. The result
        is empty if that has ended, or has just woken up.
        """
        if self.ended:
            return []
        try:
            self.write(beat)
            return [Beat.decode(text) for text in
                    self.store.multi_get(self.keys)]
        except distributed.DistNetworkError:
            self.ended = True
        except distributed.DistError:
            pass
        return []

    def wait_for_all(self, seconds: float) -> None:
        """Wait until all have written a beat.

        Raises:
            LostProcessError: Some have not in time.
        """
        end = time.monotonic() + seconds
        absent = list(self.keys)
        while absent:
            absent = [key for key in absent if not self.store.check([key])]
            if absent and time.monotonic() > end:
                raise LostProcessError(
                    f'{len(absent)} of {len(self.keys)} processes did not '
                    f'come within {seconds:g} s: rank {", ".join(absent)}. '
                    'Look at their output, and whether the command runs on '
                    'all machines.')
            time.sleep(.05)
