"""tools/verify_reference.py: its output, files and exit status."""
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from tests.reference import CASES

from ..test_engine.running import run_tool


@pytest.fixture
def pack(tmp_path):
    """A copy of two small cases."""
    for name in ('enc_deit', 'schedules'):
        shutil.copytree(CASES / name, tmp_path / 'cases' / name)
    return tmp_path


def change(path, edit):
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


@pytest.mark.slow
def test_command_line(pack, tmp_path):
    out = tmp_path / 'results.json'
    done = run_tool('verify_reference.py', pack, '--out', out, '--skip',
                    'sched*', cwd=tmp_path)
    assert '== enc_deit: PASSED' in done.stdout
    assert '1 skipped: schedules' in done.stdout
    results = json.loads(out.read_text())
    assert results['passed']
    statuses = {case['case']: case['status'] for case in results['cases']}
    assert statuses == dict(enc_deit='passed', schedules='skipped')
    features = next(row for case in results['cases']
                    for row in case['tensors'] if row['tensor'] == 'features')
    assert features['passed']
    assert 0 < features['max_abs'] < 1e-5
    change(pack / 'cases/enc_deit/data.safetensors',
           lambda tensors: tensors['head'].neg_())
    done = run_tool('verify_reference.py', pack / 'cases', cwd=tmp_path,
                    check=False)
    assert done.returncode == 1
    assert "'head' is out of tolerance" in done.stdout
    done = run_tool('verify_reference.py', tmp_path / 'none', cwd=tmp_path,
                    check=False)
    assert done.returncode == 1
    assert 'holds no reference pack' in done.stderr
