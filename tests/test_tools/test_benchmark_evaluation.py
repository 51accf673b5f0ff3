import pytest

from tools import benchmark_evaluation


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(benchmark_evaluation, 'DIM', 6)
    monkeypatch.setattr(benchmark_evaluation, 'CLASSES', 4)


def test_measures_a_run():
    found = benchmark_evaluation.measure(100)
    assert found['images'] == 100
    assert 0 <= found['added_mib'] <= found['peak_mib'] > 50
    assert found['sum_seconds'] > 0 and found['final_seconds'] > 0


def test_refuses_part_of_a_batch(monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['benchmark', '--images', '70'])
    with pytest.raises(SystemExit):
        benchmark_evaluation.main()
    assert 'multiples of 50' in capsys.readouterr().err
