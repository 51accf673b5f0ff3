"""tools/compare_samplers.py on untrained digits models."""
import json

import pytest

from rcg.apis.sampler_comparison import sampler_configs
from rcg.diffusion import LinearPath

from ..test_engine.running import run_tool


@pytest.mark.slow
def test_all_samplers_of_an_rdm(digits_root, tmp_path):
    """Of a flow, by the weights of a diffusion: one network serves both."""
    out = tmp_path / 'found.json'
    done = run_tool('compare_samplers.py', 'configs/digits/rdm_flow.py',
                    str(digits_root / 'rdm'), '--calls', '4', '--out',
                    str(out), '--work-dir', str(tmp_path / 'work'),
                    '--cfg-options', 'test_dataloader.dataset.num_images=40')
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(out.read_text())
    assert [row['sampler'] for row in rows] == list(
        sampler_configs(4, LinearPath()))
    assert '| representation/fd at calls | 4 |' in done.stdout
