"""What each process of a run tells the others, and what follows from it."""
import dataclasses
import json
from collections.abc import Iterable


@dataclasses.dataclass
class Beat:
    """The state of one process.

    Attributes:
        rank: Its number.
        host: The name of its machine.
        count: Grows with every beat.
        step: Training steps that it has begun.
        doing: What it does or waits for, in words.
        place: Where its main thread is, if it has not got on for a while.
        waits: Whether it waits for others there.
        still: Seconds in which it has not got on.
        signal: Number of the signal that asked it to stop, or 0.
        frozen: It begins no step until all have agreed on the last one.
        ready: It has kept its work, and leaves when all are ready.
        done: It has ended as it should.
        error: Why it has failed, if it has.
        pid: Its number on its machine.
    """
    rank: int
    host: str = ''
    count: int = 0
    step: int = 0
    doing: str = 'starting'
    place: str = ''
    waits: bool = False
    still: float = 0.
    signal: int = 0
    frozen: bool = False
    ready: bool = False
    done: bool = False
    error: str = ''
    pid: int = 0

    def encode(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def decode(cls, text: bytes) -> 'Beat':
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return f'rank {self.rank} (host {self.host}, {self.doing})'


def signal_of(beats: Iterable[Beat]) -> int:
    """The signal that asks all to stop; 0 if none does."""
    return next((beat.signal for beat in beats if beat.signal), 0)


def last_step(beats: Iterable[Beat]) -> int | None:
    """The step after which all stop; None while not all have agreed.

    It is the furthest that any process has begun. The others will come to
    it, as that process needs them for it.
    """
    beats = list(beats)
    if all(beat.frozen or beat.done for beat in beats):
        return max(beat.step for beat in beats)
    return None


def all_ready(beats: Iterable[Beat], silent: Iterable[int]) -> bool:
    """Whether every process has kept its work, or is lost."""
    silent = set(silent)
    return all(beat.ready or beat.done or beat.error or beat.rank in silent
               for beat in beats)


def hindering(beats: Iterable[Beat], timeout: float) -> list[Beat]:
    """Processes that the others wait for, if nobody has got on for so long.

    They are those that do not wait themselves. If all wait, they are those
    that have ended, or are the furthest behind.
    """
    beats = list(beats)
    active = [beat for beat in beats if not beat.done]
    if not active or min(beat.still for beat in active) <= timeout:
        return []
    if len(active) == 1 and not active[0].waits:
        return []  # the others do not need it
    least = min(beat.step for beat in active)
    return ([beat for beat in active if not beat.waits]
            or [beat for beat in beats if beat.done]
            or [beat for beat in active if beat.step == least])
