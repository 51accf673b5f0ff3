"""A bar on terminals alone."""
import io

import pytest

from rcg.apis.inference import progress
from rcg.apis.inference.progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.]
    monkeypatch.setattr(progress.time, 'perf_counter', lambda: now[0])
    return now


def test_it_appears_when_a_call_is_long(clock, monkeypatch):
    monkeypatch.setattr('sys.stderr', Terminal())
    bar = Bar('sampling', 8)
    bar.update(1)
    assert not progress.sys.stderr.getvalue()
    clock[0] += 6
    bar.update(2)
    bar.update(2.1)  # too soon
    line = progress.sys.stderr.getvalue()
    assert line == ('\rsampling [######                  ] 2/8, '
                    'left 0:00:18\x1b[K')
    bar.close()
    assert progress.sys.stderr.getvalue() == line + '\r\x1b[K'


def test_files_get_none(clock, monkeypatch):
    monkeypatch.setattr('sys.stderr', io.StringIO())
    bar = Bar('sampling', 8)
    clock[0] += 60
    bar.update(2)
    bar.close()
    assert not progress.sys.stderr.getvalue()


def test_sampling_has_one(rcg, monkeypatch):
    monkeypatch.setattr('sys.stderr', Terminal())
    monkeypatch.setattr(progress, 'WAIT', 0.)
    monkeypatch.setattr(progress, '_EVERY', 0.)
    plain = rcg.sample(2, output='tensor')
    shown = progress.sys.stderr.getvalue()
    assert [f'{done}/2' in shown for done in (0, 1, 2)] == [True] * 3
    monkeypatch.setattr('sys.stderr', io.StringIO())
    assert (plain == rcg.sample(2, output='tensor')).all()
