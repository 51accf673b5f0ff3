import pytest
import torch

from rcg.checkpoint import save_atomically
from rcg.engine.stored_features import StoredRows
from rcg.models.layers.nearest_centroid import nearest_centroid
from rcg.pretraining.kmeans import kmeans


def groups(*sizes, dim=4):
    """Rows around corners of a cube, group after group."""
    g = torch.manual_seed(0)
    return torch.cat([
        10 * torch.eye(dim)[i] + .1 * torch.randn(size, dim, generator=g)
        for i, size in enumerate(sizes)])


def test_it_finds_groups():
    rows = groups(50, 20, 30)
    for seed in range(5):
        centroids, counts = kmeans(rows, 3, seed)
        assert counts.tolist() == [50, 30, 20]
        torch.testing.assert_close(centroids, torch.stack([
            rows[:50].mean(0), rows[70:].mean(0), rows[50:70].mean(0)]))


def test_it_ends_where_no_mean_moves():
    rows = torch.randn(500, 5, generator=torch.manual_seed(0))
    centroids, counts = kmeans(rows, 12)
    numbers, _ = nearest_centroid(rows, centroids)
    assert torch.equal(numbers.bincount(minlength=12), counts)
    for i in range(12):
        torch.testing.assert_close(rows[numbers == i].mean(0), centroids[i])
    assert not torch.equal(kmeans(rows, 12, seed=1)[0], centroids)


def test_batches_and_mapped_shards_change_nothing(tmp_path):
    rows = torch.randn(300, 5, generator=torch.manual_seed(0)).half()
    wanted, counts = kmeans(rows, 8, num_passes=4)
    files = [str(tmp_path / f'{i}.safetensors') for i in range(2)]
    save_atomically(dict(representations=rows[:200]), files[0])
    save_atomically(dict(representations=rows[200:]), files[1])
    stored = StoredRows(files, 'representations')
    for batch_size in (7, 1000):
        found = kmeans(stored, 8, num_passes=4, batch_size=batch_size)
        torch.testing.assert_close(found[0], wanted)
        assert torch.equal(found[1], counts)


def test_a_cluster_that_nothing_is_near_moves(monkeypatch):
    from rcg.pretraining import kmeans as module
    rows = groups(50, 20, 30)
    monkeypatch.setattr(module, '_first_centroids', lambda *_: torch.tensor(
        [[10., 0, 0, 0], [0, 10, 0, 0], [99., 99, 99, 99]]))
    assert kmeans(rows, 3)[1].tolist() == [50, 30, 20]


def test_fewer_different_rows_than_clusters():
    rows = torch.tensor([[1., 2], [3, 4]]).repeat(4, 1)
    centroids, counts = kmeans(rows, 3)
    assert counts.tolist() == [4, 4, 0]
    assert centroids.isfinite().all()


def test_refusals():
    with pytest.raises(ValueError, match=r'in \[1, 3\].*, got 4'):
        kmeans(torch.randn(3, 2), 4)
    rows = torch.randn(30, 2)
    rows[17, 1] = torch.nan
    with pytest.raises(ValueError, match='representations 15 to 19 hold NaN'):
        kmeans(rows, 3, batch_size=5)
