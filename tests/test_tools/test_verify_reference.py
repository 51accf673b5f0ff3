"""tools/verify_reference.py: its output, files and exit status."""
import json

import pytest

from ..test_engine.running import run_tool
from ..test_verification.copied_pack import change, copy_cases


@pytest.fixture
def pack(tmp_path):
    return copy_cases(tmp_path)


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
