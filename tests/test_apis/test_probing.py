"""Probes of hidden tokens: what they read, and what they count."""
import json

import pytest
import torch

from rcg.apis import probe_features
from rcg.apis.probing import linear_accuracy, table
from rcg.checkpoint import save_atomically
from rcg.engine import load_config

CONFIG = 'configs/digits/pixel_dit.py'
# An image is one patch, so that its token is an embedding of all pixels.
SMALL = [f'model.generator.network.{name}={value}' for name, value in dict(
    patch_size=16, dim=64, depth=2, num_heads=2).items()] + [
    'model.generator.network.form.context_start=1',
    'model.generator.network.form.bottleneck_dim=64']


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A DiT of two blocks that do nothing, as they begin."""
    from mmengine.registry import init_default_scope

    from rcg.engine.configs.loading import without_weights
    from rcg.registry import MODELS
    init_default_scope('rcg')
    torch.manual_seed(0)
    cfg = load_config(CONFIG, SMALL)
    model = MODELS.build(without_weights(cfg.model.to_dict()))
    path = tmp_path_factory.mktemp('dit') / 'iter_1.pth'
    save_atomically({'state_dict': model.state_dict()}, path)
    return str(path)


def probe(checkpoint, *options, **arguments):
    return probe_features(CONFIG, checkpoint, num_images=100, device='cpu',
                          options=[*SMALL, *options], **arguments)


def test_it_reads_tokens_at_each_depth(checkpoint, tmp_path):
    rows = probe(checkpoint, out=str(tmp_path / 'found.json'))
    assert json.loads((tmp_path / 'found.json').read_text()) == rows
    assert [row['depth'] for row in rows] == [1, 2]
    # The blocks are still the identity.
    assert {**rows[0], 'depth': 2} == rows[1]
    for name in ('knn_accuracy', 'linear_accuracy'):
        assert 50 < rows[0][name] <= 100  # chance has 10
    assert probe(checkpoint, depths=[2]) == rows[1:]
    assert '| 2 |' in table(rows)


def test_pure_noise_says_nothing(checkpoint):
    row, = probe(checkpoint, depths=[1], noise=1.)
    assert row['knn_accuracy'] < 30
    assert row['linear_accuracy'] < 30


def test_what_cannot_be_probed_is_named(checkpoint):
    with pytest.raises(ValueError, match=r'in \[1, 2\].*got \[3\]'):
        probe(checkpoint, depths=[3])
    with pytest.raises(ValueError, match=r'in \(0, 1\], got 0'):
        probe(checkpoint, noise=0)
    with pytest.raises(ValueError, match='no held-out images'):
        probe(checkpoint, '_held_out=None')


def test_a_line_separates_what_it_can():
    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    rows = torch.randn(200, 3)
    rows[:, 1] = 1e-3 * (2 * labels - 1) + 1e-4 * torch.randn(200)
    halves = slice(0, 200, 3), slice(1, 200, 3)
    (fitted, scored), (known, asked) = (
        [part[half] for half in halves] for part in (rows, labels))
    assert linear_accuracy(fitted, known, scored, asked) == 1
    fitted[:, 1] = scored[:, 1] = 0
    assert linear_accuracy(fitted, known, scored, asked) < .75
