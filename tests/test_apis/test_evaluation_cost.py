"""What FID and IS cost, with features that are given."""
import pytest

from rcg.apis import evaluation_cost


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(evaluation_cost, 'DIM', 6)
    monkeypatch.setattr(evaluation_cost, 'CLASSES', 4)


@pytest.mark.usefixtures('small')
def test_measures_a_run():
    found = evaluation_cost.measure(100)
    assert found['images'] == 100
    assert 0 <= found['added_mib'] <= found['peak_mib'] > 50
    assert found['sum_seconds'] > 0 and found['final_seconds'] > 0


def test_part_of_a_batch_is_refused():
    with pytest.raises(ValueError, match=r'multiples of 50, got \[70\]'):
        evaluation_cost.benchmark_evaluation([70])


@pytest.mark.slow
def test_each_number_has_a_process_of_its_own(capsys):
    found = evaluation_cost.benchmark_evaluation([50, 100], 10.)
    assert [part['images'] for part in found] == [50, 100]
    assert 'Inception: 10.00 images/s' in capsys.readouterr().out
