"""Cases in a child process whose memory and time are bounded."""
import os
import random
import resource
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil

ROOM = 200 << 20  # bytes that a reader may take beyond what is there
CPU_SECONDS = 5  # that a case may compute; then a signal ends the child
SECONDS = 60  # that it may last: others may use the machine
_NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff,
            0x80000000, 0xffffffff, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]


def fuzz(name: str, seed: int, cases: int, folder: str | Path,
         make: Callable[[random.Random], bytes | str],
         read: Callable, refusals: tuple[type[Exception], ...]
         ) -> dict[str, int]:
    """Give made-up content to a reader, case by case.

    Args:
        name: Of the reader; also that of the file, with its ending.
        seed: Of the random numbers.
        cases: Number of them.
        folder: For the file. A file 'executed' there means that code ran.
        make: Makes the content of a case.
        read: Takes the path of a file with the content; or, if that is a
            str, the content.
        refusals: What it may raise.

    Returns:
        How many cases were read, and how many were refused.

    Raises:
        AssertionError: It raised something else, ran code, took too much
            memory or time, or ended its process. The message names the case,
            and its file is kept.
    """
    folder = Path(folder)
    report = folder / 'report'
    child = os.fork()
    if not child:
        status = 1
        try:
            _run(name, seed, cases, folder, make, read, refusals)
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    last = report.read_text() if report.exists() else 'no case'
    assert status == 0, f'{name}, seed {seed}: status {status} after {last}'
    assert not (folder / 'executed').exists(), f'{name}, {seed}: code was run'
    words = last.split()
    return dict(read=int(words[1]), refused=int(words[3]))


def _run(name, seed, cases, folder, make, read, refusals) -> None:
    """What the child does: it reports before each case, lest it crash."""
    warnings.simplefilter('ignore')
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for kind in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(kind, signal.SIG_DFL)  # also ends what hangs in C
    path, report = folder / name, folder / 'report'
    counts = dict(read=0, refused=0)
    for case in range(cases):
        report.write_text(f'case {case}')
        content = make(random.Random(f'{seed} {case}'))
        place = str(path)
        if isinstance(content, str):
            place = content
        else:
            path.write_bytes(content)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        try:
            read(place)
            counts['read'] += 1
        except refusals as error:
            _check_sentence(str(error), len(place), report, case)
            counts['refused'] += 1
        except BaseException as error:
            report.write_text(f'case {case}, {type(error).__name__}: {error}'
                              f' for {content[:300]!r}'[:800])
            raise
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    report.write_text(f'read {counts["read"]} refused {counts["refused"]}')


def _check_sentence(text: str, length: int, report: Path, case: int) -> None:
    if not text.strip() or len(text) > 1500 + length:
        report.write_text(f'case {case}, no sentence: {text[:300]!r}')
        raise AssertionError('no sentence')


def mutated(rng: random.Random, content: bytes) -> bytes:
    """Content with one to four of its bytes, numbers or parts changed."""
    content = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(content) + 1)
        # Headers are at both ends, and most of a file is in between.
        if rng.random() < .5:
            place = rng.choice([place % 64, max(0, len(content) - place % 128
                                                - 1)])
        size = rng.choice([1, 2, 4, 8])
        kind = rng.randrange(7)
        if kind == 0 and place < len(content):
            content[place] ^= 1 << rng.randrange(8)
        elif kind in (1, 2):
            number = rng.choice(_NUMBERS) & ((1 << 8 * size) - 1)
            content[place:place + size] = number.to_bytes(
                size, rng.choice(['little', 'big']))
        elif kind == 3:
            content[place:place] = rng.randbytes(rng.choice([1, 3, 40]))
        elif kind == 4:
            del content[place:place + rng.choice([1, 2, 9, 400])]
        elif kind == 5:
            part = content[place:place + rng.choice([1, 8, 60, 1000])]
            content[place:place] = part * rng.randrange(1, 4)
        elif rng.random() < .3:
            del content[place:]
    return bytes(content)
