"""Rows that come out of mapped files are those that went in."""
import copy
from pathlib import Path

import pytest
import torch

from rcg.engine.stored_features import FeatureFolder, narrowed


def stored(path, rows, shard_size=4, views=1, dtype=torch.float32):
    size = len(next(iter(rows.values()))) // views
    folder = FeatureFolder(str(path), {'seed': '1'}, size, shard_size)
    for shard in folder.shards(views):
        some = slice(shard.view * size + shard.start,
                     shard.view * size + shard.stop)
        folder.write(shard, {k: narrowed(v[some], dtype)
                             for k, v in rows.items()})
    return folder, folder.open(views)


@pytest.mark.parametrize('highest', [0, 65535, 65536, 2**40])
def test_integers_are_exact_in_the_fewest_bytes(tmp_path, highest):
    codes = torch.arange(30).reshape(10, 3)
    codes[7, 1] = highest
    _, features = stored(tmp_path, dict(codes=codes))
    rows = features['codes']
    assert torch.equal(rows[:], codes) and rows[0].dtype == torch.int64
    assert rows.parts[0].itemsize == 2
    assert rows.parts[1].itemsize == (2 if highest < 2**16 else
                                      4 if highest < 2**31 else 8)


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_numbers_are_rounded_to_the_stored_type(tmp_path, dtype):
    values = torch.randn(10, 2, 3)
    _, features = stored(tmp_path, dict(moments=values), dtype=dtype)
    assert torch.equal(features['moments'][:], values.to(dtype).float())
    assert features['moments'].parts[0].itemsize == dtype.itemsize


def test_a_number_too_large_for_float16_is_refused():
    with pytest.raises(ValueError, match='set dtype=float32'):
        narrowed(torch.tensor([7e4]), torch.float16)
    assert narrowed(torch.tensor([float('inf')]), torch.float16).isinf()


def test_rows_are_indexed_as_those_of_a_tensor(tmp_path):
    values = torch.randn(22, 3)
    folder, features = stored(tmp_path, dict(x=values), views=2)
    assert [s.stop - s.start for s in folder.shards(2)] == [4, 4, 3] * 2
    for rows in (features['x'], copy.deepcopy(features['x'])):
        assert len(rows) == 22
        for index in (5, torch.tensor(21), torch.tensor([3, 21, 0, 11, 3]),
                      [10, 11], slice(2, 13), slice(4, 8), slice(6, 7),
                      slice(8, None), slice(-3, 99), slice(9, 3),
                      slice(1, 20, 3)):
            assert torch.equal(rows[index], values[index])
        with pytest.raises(IndexError):
            rows[22]


def test_files_are_mapped_and_not_read(tmp_path):
    _, features = stored(tmp_path, dict(x=torch.randn(8, 3)))
    maps = Path('/proc/self/maps').read_text()
    assert all(file in maps for file in features['x'].files)


def test_a_folder_keeps_its_size_of_shards(tmp_path):
    stored(tmp_path, dict(x=torch.zeros(8)), shard_size=3)
    assert len(FeatureFolder(str(tmp_path), {}, 8, 4).shards(1)) == 3
