"""Names come out as they went in, and workers make no copies of them."""
import copy

import pytest

from rcg.datasets.packed_paths import PackedPaths

NAMES = ['n01/a.JPEG', 'ü/\udcff.png', '', 'x' * 300, 'n01/b.JPEG']


def test_a_sequence_of_paths():
    paths = PackedPaths(NAMES)
    assert list(paths) == NAMES and len(paths) == 5
    assert paths[-2] == NAMES[-2] and paths[1:4] == NAMES[1:4]
    assert NAMES[1] in paths and paths.index(NAMES[3]) == 3
    assert list(copy.deepcopy(paths)) == NAMES
    for index in (5, -6):
        with pytest.raises(IndexError):
            paths[index]
    assert list(PackedPaths([])) == []


def test_no_object_for_each_path():
    """What Python counts for each object would be copied in each worker."""
    paths = PackedPaths(f'{i}.png' for i in range(1000))
    assert [type(value).__name__ for value in vars(paths).values()] == [
        'ndarray', 'ndarray']
    assert not any(value.dtype.hasobject for value in vars(paths).values())
