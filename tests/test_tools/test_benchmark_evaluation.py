"""tools/benchmark_evaluation.py: what it refuses."""
import pytest

from tools import benchmark_evaluation


def test_refuses_part_of_a_batch(monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['benchmark', '--images', '70'])
    with pytest.raises(SystemExit):
        benchmark_evaluation.main()
    assert 'multiples of 50' in capsys.readouterr().err
