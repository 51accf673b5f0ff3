import pytest

from rcg.models.layers.embeddings import position_table, timestep_embedding
from tests.reference import assert_close, load_case


@pytest.mark.parametrize(('name', 'row_first', 'class_token'), [
    ('mae', False, False), ('mae_cls', False, True), ('dit', False, False),
    ('moco', True, True)])
def test_published_position_tables(name, row_first, class_token):
    config, _, case = load_case('schedules')
    table = position_table(config['pos']['dim'], config['pos']['grid'],
                           row_first, class_token)
    if name == 'moco':
        table = table[None]
    assert_close(f'pos.{name}', table, case)


@pytest.mark.parametrize('dim', [32, 33])
def test_published_time_embedding(dim):
    _, _, case = load_case('schedules')
    assert_close(f'time_embedding.dim{dim}',
                 timestep_embedding(case['time_embedding.t'], dim), case)


def test_refuses_an_odd_width():
    with pytest.raises(ValueError, match='multiple of 4, got 6'):
        position_table(6, 2, row_first=True)
