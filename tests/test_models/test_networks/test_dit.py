"""DiT: shapes, gradients, patches, sizes of the family."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.registry import MODELS
from tests.test_models import tiny


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(**changes):
    return MODELS.build({**tiny.diffusion()['network'], **changes})


def test_shapes_gradients_and_a_batch_of_one():
    net = build()
    x, t = torch.randn(3, 2, 4, 4), torch.tensor([0, 500, 999])
    c = net.condition_embed(torch.randn(3, 6))
    assert torch.equal(net(x, t, c), torch.zeros(3, 4, 4, 4))  # at the start
    for p in net.parameters():
        torch.nn.init.normal_(p, std=.1)
    c = net.condition_embed(torch.randn(3, 6))
    out = net(x, t, c)
    torch.testing.assert_close(net(x[1:2], t[1:2], c[1:2]), out[1:2])
    assert not torch.allclose(out, net(x, t))  # it listens
    out.square().sum().backward()
    without = {name for name, p in net.named_parameters() if p.grad is None}
    assert without == {'condition_embed.null_condition'}  # nothing was dropped


@pytest.mark.parametrize('patch_size', [1, 2, 4])
def test_patches_come_back_to_their_place(patch_size):
    """A network of one matrix that copies: out is in, channel by channel."""
    p = patch_size
    net = build(dim=2 * p * p * 4, patch_size=p, depth=0, condition=None,
                learn_variance=False, num_heads=1)
    x = torch.randn(1, 2, 4, 4)
    tokens = x.unfold(2, p, p).unfold(3, p, p)  # (1, C, h, w, p, p)
    tokens = tokens.permute(0, 2, 3, 4, 5, 1).reshape(1, -1, p * p * 2)
    assert torch.equal(net._images(tokens), x)


def test_bad_sizes():
    with pytest.raises(ValueError, match='input_size=5 and patch_size=2'):
        build(input_size=5)
    with pytest.raises(ValueError, match='16 and 3'):
        build(num_heads=3)
    with pytest.raises(ValueError, match='multiple of 4, got 18'):
        build(dim=18)
