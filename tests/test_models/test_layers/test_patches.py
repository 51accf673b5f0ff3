import pytest
import torch

from rcg.models.layers.patches import patch_embedding


@pytest.mark.parametrize('patch_size', [1, 4, 32])
@pytest.mark.parametrize('bottleneck_dim', [None, 3])
def test_patches_are_embedded_one_by_one(patch_size, bottleneck_dim):
    layer = patch_embedding(3, 8, patch_size, bottleneck_dim)
    x = torch.randn(2, 3, 2 * patch_size, 2 * patch_size)
    out = layer(x)
    assert out.shape == (2, 8, 2, 2)
    x[:, :, :patch_size, :patch_size] = 0
    changed = (layer(x) - out).abs().amax((0, 1)) > 1e-6
    assert changed.tolist() == [[True, False], [False, False]]


def test_a_bottleneck_leaves_so_many_dimensions():
    layer = patch_embedding(3, 8, 4, bottleneck_dim=2)
    out = layer(torch.randn(50, 3, 4, 4)).flatten(1)
    assert torch.linalg.matrix_rank(out - out.mean(0), rtol=1e-5) == 2
    full = patch_embedding(3, 8, 4)(torch.randn(50, 3, 4, 4)).flatten(1)
    assert torch.linalg.matrix_rank(full - full.mean(0), rtol=1e-5) == 8


def test_a_bottleneck_of_nothing():
    with pytest.raises(ValueError, match='at least 1, or None, got 0'):
        patch_embedding(3, 8, 4, bottleneck_dim=0)
