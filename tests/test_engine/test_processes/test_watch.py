"""A process of a run that is lost is named by the others."""
import os
import re
import select
import signal
import time

import pytest
from torch.distributed import HashStore

from rcg.engine.processes import watch
from rcg.engine.processes.beat_store import BeatStore
from rcg.engine.processes.beats import Beat, all_ready, hindering, last_step
from rcg.engine.processes.lost import LostProcessError, lost_sentence
from rcg.engine.processes.parent import end_with_parent
from tests.forked import start_ranks, status_of

from .. import faults


def start(folder, timeout=4, **fault):
    return start_ranks(2, 'train.py', *faults.training(
        folder, [f'env_cfg = dict(dist_cfg=dict(timeout={timeout}))'],
        **fault), folder=folder)


def ended(ranks, folder, rank=0):
    """Exit status and output of a rank; the others are ended."""
    status = status_of(ranks[rank])
    for other in ranks:
        other.kill()
        other.join()
    return status, (folder / f'{rank}.log').read_text()


@pytest.mark.parametrize(('fault', 'said'), [
    (dict(error=True), 'failed: RuntimeError: the fault of this test'),
    (dict(leave=True), 'does not answer any more'),
    (dict(sleep=99.), 'did not get on for 4 s')])
def test_lost_process_is_named(tmp_path, fault, said):
    ranks = start(tmp_path, at=5, rank=1, **fault)
    status, output = ended(ranks, tmp_path)
    assert status == 1
    line = re.search(r'error: (rank 1 \(host .*)', output)[1]
    assert said in line
    assert 'in step 5' in line  # what it was in
    assert 'rank 0' in line
    assert 'waited for it' in line
    if 'get on' in said:
        assert 'faults.py' in line
        assert 'in _act' in line
    assert 'Traceback' not in output


def test_suspended_process_is_named_even_if_it_keeps_the_store(tmp_path):
    ranks = start(tmp_path, at=5, rank=0, send=[int(signal.SIGSTOP)])
    status, output = ended(ranks, tmp_path, rank=1)
    assert status == 1
    assert re.search(r'error: rank 0 \(host .* does not answer any more; rank '
                     r'1 \(host .*, (in|after) step [56]\) waited', output)


def test_short_hang_goes_on(tmp_path):
    """Suspended for less than the timeout, the first and the second one."""
    ranks = start(tmp_path, timeout=6, pause=.01)
    for rank in ranks:
        faults.wait_for(tmp_path / '0.log', '  3/1000')
        os.kill(rank.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(rank.pid, signal.SIGCONT)
    os.kill(ranks[1].pid, signal.SIGTERM)
    assert [status_of(rank) for rank in ranks] == [75, 75]


def test_process_that_does_not_come_is_named():
    store = BeatStore(HashStore(), 3)
    store.write(Beat(1))
    with pytest.raises(LostProcessError, match='2 of 3 .* rank 0, 2'):
        store.wait_for_all(.1)


def test_processes_end_with_their_launcher():
    """Although nobody tells them."""
    out, into = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        if os.fork() == 0:
            end_with_parent()
            os.write(into, b'begun')
        time.sleep(60)
        os._exit(0)
    os.close(into)
    assert os.read(out, 9) == b'begun'
    os.kill(launcher, signal.SIGKILL)
    os.waitpid(launcher, 0)
    assert select.select([out], [], [], 20)[0]
    assert os.read(out, 9) == b''  # nobody holds the other end any more
    os.close(out)


def test_last_step_is_the_furthest_begun():
    beats = [Beat(0, step=7, frozen=True), Beat(1, step=8)]
    assert last_step(beats) is None  # the second one may begin the next
    beats[1].frozen = True
    assert last_step(beats) == 8


def test_all_are_ready_when_the_lost_are_not():
    beats = [Beat(0, ready=True), Beat(1, done=True), Beat(2)]
    assert not all_ready(beats, [])
    assert all_ready(beats, [2])


def beats(*rows):
    return [Beat(i, **row) for i, row in enumerate(rows)]


@pytest.mark.parametrize(('rows', 'wanted'), [
    # One computes features, the others wait for it: nothing is wrong.
    ([dict(still=1.), dict(still=99., waits=True)], []),
    ([dict(still=99.), dict(still=99., waits=True)], [0]),
    # All are in a collective operation, and one has not come to this one.
    ([dict(still=99., step=4, waits=True),
      dict(still=99., step=3, waits=True)], [1]),
    ([dict(done=True), dict(still=99., waits=True)], [0]),
    # The last one has work of its own.
    ([dict(done=True), dict(still=99.)], [])])
def test_who_hinders_the_others(rows, wanted):
    found = hindering(beats(*rows), timeout=10.)
    assert [beat.rank for beat in found] == wanted


def test_sentence_names_many_processes_shortly():
    lost = [Beat(i, f'node{i}', doing='in step 3') for i in range(9)]
    said = lost_sentence(lost, Beat(9, 'node9', doing='in step 4'), 60.)
    assert 'rank 3 (host node3, in step 3) and 5 others' in said
    assert 'rank 9 (host node9, in step 4) waited for it' in said


def test_one_process_has_no_watch():
    assert watch.current() is None
