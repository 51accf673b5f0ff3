import pytest
import torch

from rcg.evaluation.gathering import gather_in_order, which_count
from tests.test_evaluation.toy import run_processes


def counted(*indices, size):
    return which_count(torch.tensor(indices, dtype=torch.int64),
                        size).tolist()


def test_padding_beyond_the_end_does_not_count():
    assert counted(0, 1, 2, 3, 4, size=3) == [True] * 3 + [False] * 2


def test_repeated_samples_count_once():
    assert counted(0, 2, 1, 0, 2, size=3) == [True] * 3 + [False] * 2


def test_missing_samples_are_named():
    with pytest.raises(RuntimeError, match='2 of 5 samples are missing.*is '
                                           '1.*SeedBatchSampler'):
        counted(0, 3, 4, size=5)
    with pytest.raises(RuntimeError, match='1 of 1'):
        counted(size=1)


def test_rows_are_put_in_order():
    rows = torch.tensor([[3.], [1.], [2.]])
    ordered = gather_in_order(torch.tensor([2, 0, 1]), rows, 3)
    assert ordered.tolist() == [[1], [2], [3]]


def _share(shares, size):
    rank = torch.distributed.get_rank()
    indices = torch.tensor(shares[rank], dtype=torch.int64)
    rows = torch.stack([indices, indices * 2], 1)
    if not len(indices):
        rows = torch.zeros(0, 0)  # knows neither length nor type
    keep = which_count(indices, size)
    ordered = gather_in_order(indices[keep], rows[keep], size)
    return keep.tolist(), ordered.tolist()


@pytest.mark.parametrize(('shares', 'size', 'kept'), [
    ([[0, 2, 4], [1, 3, 0]], 5, [[1, 1, 1], [1, 1, 0]]),
    ([[0, 1, 4, 5], [2, 3]], 5, [[1, 1, 1, 0], [1, 1]]),
    ([[0, 1], [2, 3], []], 3, [[1, 1], [1, 0], []])])
def test_processes_agree(tmp_path, shares, size, kept):
    results = run_processes(len(shares), tmp_path, _share, shares, size)
    assert [keep for keep, _ in results] == kept
    for _, ordered in results:
        assert ordered == [[i, 2 * i] for i in range(size)]
