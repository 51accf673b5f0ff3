"""Which batches wait until it is known which of their samples count."""
import pytest
import torch

from rcg.evaluation.metrics.sum_metric import PendingBatches
from tests.test_evaluation.test_metrics.test_states import (
    BATCHES,
    CONFIGS,
    SIZE,
    taken,
)
from tests.test_evaluation.toy import output_of

SCORE = CONFIGS[1]


def batch(*indices):
    return torch.tensor(indices), torch.tensor(indices).float()[:, None]


def indices_of(batches):
    return [indices.tolist() for indices, _ in batches]


def test_only_the_newest_batch_waits():
    pending = PendingBatches()
    pending.append(*batch(0, 1))
    assert indices_of(pending.settled(1)) == []
    pending.append(*batch(2, 3))
    assert indices_of(pending.settled(1)) == [[0, 1]]
    assert indices_of(pending.settled(1)) == []
    assert pending.indices.tolist() == [0, 1, 2, 3]


def test_of_those_that_wait_repeated_samples_do_not_count():
    pending = PendingBatches()
    pending.append_settled(torch.tensor([4, 0]))
    pending.append(*batch(1, 2, 0))
    pending.append(*batch(2, 3, 7))
    found = list(pending.counted(5))
    assert indices_of(found) == [[1, 2], [3]]
    assert found[1][1].tolist() == [[3.]]


@pytest.mark.parametrize(('size', 'waiting'), [(SIZE, 1), (None, 7)])
def test_splits_must_be_known_before_a_sum(size, waiting):
    metric = taken(SCORE, BATCHES, size)
    assert len(list(metric._pending.settled(0))) == waiting


@pytest.mark.parametrize('size', [40, None])
def test_what_a_last_batch_repeats_is_not_summed(size):
    batches = [[output_of(i) for i in indices] for indices in (
        range(16), range(16, 32), [*range(32, 40), *range(8)])]
    wanted = taken(SCORE, [[output_of(i) for i in range(40)]]).evaluate(40)
    assert taken(SCORE, batches, size).evaluate(40) == pytest.approx(
        wanted, rel=1e-6)
