"""tools/store_representations.py: what it writes, a model draws."""
import pytest
import torch

from rcg.apis import store_representations
from rcg.checkpoint import read_checkpoint
from rcg.frozen import Frozen
from rcg.registry import REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng

from ..test_engine.running import CONFIG, run_tool

PARTS = {'model.part.checkpoint': 'a', 'model.part.sha256': 'b'}


def test_all_representations_and_centroids(tmp_path):
    file = tmp_path / 'all.safetensors'
    assert store_representations(
        CONFIG, str(file), work_dir=str(tmp_path / 'run'),
        options=PARTS) == (26, 4)
    cached, = (tmp_path / 'run/features').iterdir()
    rows = read_checkpoint(cached / '000_000000000.safetensors')
    stored = read_checkpoint(file)
    assert torch.equal(stored['representations'], rows['representations'])
    assert stored['counts'].tolist() == [1] * 26

    file = tmp_path / 'new/clusters.safetensors'
    done = run_tool('store_representations.py', CONFIG, '--out', file,
                    '--work-dir', tmp_path / 'run', '--clusters', 3,
                    '--cfg-options', *map('='.join, PARTS.items()))
    assert done.stdout.splitlines()[-1] == (
        "dict(type='StoredRepresentations', num=3, rep_dim=4, "
        f"checkpoint='{file}')")
    assert len([*(tmp_path / 'run/features').iterdir()]) == 1  # stored once
    stored = read_checkpoint(file)
    assert stored['counts'].sum() == 26
    part = Frozen.build(REPRESENTATION_DIFFUSERS, dict(
        type='StoredRepresentations', num=3, rep_dim=4, checkpoint=str(file)))
    drawn = part.sample(SampleRng.from_seed(0, range(9)))
    assert {*map(tuple, drawn.tolist())} <= {
        *map(tuple, stored['representations'].tolist())}


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.safetensors'):
        store_representations(CONFIG, 'a.pth')
    hook = dict(type='CacheFeaturesHook', cache_dir='x', names=['codes'])
    with pytest.raises(ValueError, match='stores codes, and no representat'):
        store_representations(CONFIG, str(tmp_path / 'a.safetensors'),
                              options={'custom_hooks': [hook]})
