"""tools/compare_samplers.py on untrained digits models."""
import json

import pytest

from tools.compare_samplers import SAMPLERS, owner_of_sampler, table

from ..test_engine.running import run_tool


def test_the_table_has_a_row_for_each_sampler():
    rows = [dict(sampler=name, calls=calls, metrics={'fd': calls / 10})
            for calls in (10, 20) for name in SAMPLERS]
    lines = table(rows, 'fd', [10, 20]).splitlines()
    assert lines[0] == '| fd at calls | 10 | 20 |'
    assert lines[2] == '| DDPM | 1.000 | 2.000 |'
    assert len(lines) == 2 + len(SAMPLERS)


def test_a_model_without_sampler():
    with pytest.raises(ValueError, match='no sampler to compare'):
        owner_of_sampler(object())


@pytest.mark.slow
def test_all_samplers_of_an_rdm(digits_root, tmp_path):
    out = tmp_path / 'found.json'
    done = run_tool('compare_samplers.py', 'configs/digits/rdm.py',
                    str(digits_root / 'rdm'), '--calls', '4', '--out',
                    str(out), '--work-dir', str(tmp_path / 'work'),
                    '--cfg-options', 'test_dataloader.dataset.num_images=40')
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(out.read_text())
    assert [row['sampler'] for row in rows] == list(SAMPLERS)
    assert '| representation/fd at calls | 4 |' in done.stdout
