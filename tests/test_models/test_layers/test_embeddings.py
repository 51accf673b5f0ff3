import pytest

from rcg.models.layers.embeddings import position_table
from tests.reference import assert_reproduced


def test_published_tables():
    """And learning rates, mask ratios, the plain average of weights."""
    assert_reproduced('schedules')


def test_refuses_an_odd_width():
    with pytest.raises(ValueError, match='multiple of 4, got 6'):
        position_table(6, 2, row_first=True)
