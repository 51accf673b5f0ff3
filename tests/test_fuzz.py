"""Mutated files are read or refused with a sentence; the short form."""
import os
import signal
from pathlib import Path

import pytest

from .fuzz import FUZZERS
from .fuzz.harness import fuzz


@pytest.mark.parametrize('name', FUZZERS)
def test_mutated_files(name, tmp_path):
    counts = FUZZERS[name](1, 120, tmp_path)
    assert counts['read'] + counts['refused'] == (
        240 if name == 'pth' else 120)  # by two readers
    # A last_checkpoint that makes no sense is passed over.
    assert counts['refused'] > 5 or name == 'last_checkpoint'


@pytest.mark.parametrize(('read', 'message'), [
    (lambda path: {}['x'], 'case 0, KeyError'),
    (lambda path: os.kill(os.getpid(), signal.SIGKILL), 'status -9 after'),
    (lambda path: bytes(1 << 30), 'MemoryError'),
    (lambda path: Path(path).with_name('executed').touch(), 'code was run'),
    (lambda path: float(''), None),
])
def test_the_harness_notices_what_must_not_be(read, message, tmp_path):
    def run():
        return fuzz('x', 0, 3, tmp_path, lambda rng: b'', read,
                    (ValueError, ))

    if message is None:
        assert run() == dict(read=0, refused=3)
        return
    with pytest.raises(AssertionError, match=message):
        run()
