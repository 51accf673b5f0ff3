"""A short run of :func:`tests.fuzz.pth.fuzz_pth`."""
from tests.fuzz.pth import fuzz_pth


def test_mutated_checkpoints(tmp_path):
    """No code run, no foreign exception, no crash, memory bounded."""
    counts = fuzz_pth(0, 500, tmp_path)
    assert sum(counts.values()) == 1000
    assert counts['read'] > 10
