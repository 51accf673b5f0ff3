import pytest
import torch

from rcg.evaluation import KNNAccuracy, knn_accuracy


def clusters():
    torch.manual_seed(0)
    centers = torch.eye(3).repeat_interleave(10, 0)
    labels = torch.arange(3).repeat_interleave(10)
    return centers + .05 * torch.randn(30, 3), labels


def test_separate_clusters_are_found():
    rows, labels = clusters()
    assert knn_accuracy(rows, labels, 5) == 1


def test_a_row_is_not_its_own_neighbor():
    rows, labels = clusters()
    # One row of a class of its own: nobody else can vote for it.
    labels[0] = 3
    assert knn_accuracy(rows, labels, 5) == pytest.approx(29 / 30)


def test_nearest_neighbors_by_hand():
    rows = torch.tensor([[1., 0], [.9, .1], [0, 1], [.6, .5]])
    labels = torch.tensor([0, 0, 1, 1])
    # With one neighbor each: 0 -> 1 right, 1 -> 0 right, 2 -> 3 right,
    # 3 -> 1 wrong.
    assert knn_accuracy(rows, labels, 1) == .75


def test_the_precision_around_it_changes_nothing():
    torch.manual_seed(0)
    rows, labels = torch.randn(300, 16), torch.arange(300) % 3
    expected = knn_accuracy(rows, labels, 5)
    with torch.autocast('cpu', torch.bfloat16):
        assert knn_accuracy(rows, labels, 5) == expected


def test_refuses_too_many_neighbors():
    with pytest.raises(ValueError, match=r'must be in \[1, 29\], got 30'):
        knn_accuracy(*clusters(), 30)


def test_metric_drops_padding_and_ignores_the_order():
    rows, labels = clusters()
    metric = KNNAccuracy(k=3)
    samples = [dict(representations=rows[i], index=i, labels=int(labels[i]))
               for i in torch.randperm(30).tolist()]
    samples.append(samples[0])  # padding of the last batch
    metric.process({}, samples[:20])
    metric.process({}, samples[20:])
    assert metric.evaluate(30) == {'representation/knn_accuracy': 100.}


def test_metric_needs_labels():
    with pytest.raises(KeyError, match="'labels'"):
        KNNAccuracy().process({}, [dict(representations=torch.ones(2),
                                        index=0)])
