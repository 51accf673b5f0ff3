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
        progress: Grows with every step, batch or other piece of work.
        signal: Number of the signal that asked it to stop, or 0.
        frozen: It begins no step until all have agreed on the last one.
        ready: It has kept its work, and leaves when all are ready.
        done: It has ended as it should.
        error: Why it has failed, if it has.
    """
    rank: int
    host: str = ''
    count: int = 0
    step: int = 0
    doing: str = 'starting'
    progress: int = 0
    signal: int = 0
    frozen: bool = False
    ready: bool = False
    done: bool = False
    error: str = ''

    def encode(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def decode(cls, text: bytes) -> 'Beat':
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return f'process {self.rank} on {self.host}'


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
