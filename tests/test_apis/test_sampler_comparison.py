"""The samplers that are compared, and the table of their scores."""
import pytest

from rcg.apis.sampler_comparison import (
    owner_of_sampler,
    sampler_configs,
    table,
)


def test_the_table_has_a_row_for_each_sampler():
    rows = [dict(sampler=name, calls=calls, metrics={'fd': calls / 10})
            for calls in (10, 20) for name in sampler_configs(calls)]
    lines = table(rows, 'fd').splitlines()
    assert lines[0] == '| fd at calls | 10 | 20 |'
    assert lines[2] == '| DDPM | 1.000 | 2.000 |'
    assert len(lines) == 2 + len(sampler_configs(10))
    assert table(rows) == table(rows, 'fd')


def test_a_model_without_sampler():
    with pytest.raises(ValueError, match='no sampler to compare'):
        owner_of_sampler(object())
