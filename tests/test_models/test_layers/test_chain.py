"""Recomputed activations: the same loss and gradients from less memory."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng
from tests.test_models import tiny


def mage(recompute):
    cfg = tiny.generator()
    half = dict(dim=16, depth=3, num_heads=2)
    cfg['network'].update(drop=.3, encoder=half, decoder=half,
                          recompute=recompute)
    return cfg, torch.tensor([[0, 7, 3, 2], [1, 5, 6, 4]])


def dit(recompute):
    cfg = tiny.diffusion()
    cfg['network'].update(depth=3, recompute=recompute)
    return cfg, torch.randn(2, 2, 4, 4)


def step(build, recompute, low):
    """Loss, gradients, and bytes kept for the backward pass."""
    torch.manual_seed(0)
    cfg, codes = build(recompute)
    with DefaultScope.overwrite_default_scope('rcg'):
        generator = PIXEL_GENERATORS.build(cfg)
    for p in generator.parameters():
        torch.nn.init.normal_(p, std=.2)  # DiT's blocks start as nothing
    kept = []
    torch.manual_seed(1)  # of dropout
    with (torch.autograd.graph.saved_tensors_hooks(
            lambda x: kept.append(x.nbytes) or x, lambda x: x),
          torch.autocast('cpu', torch.bfloat16, low)):
        losses = generator.loss(codes, torch.ones(2, 6),
                                SampleRng.from_seed(0, [3, 4]))
    loss = sum(value for name, value in losses.items() if 'loss' in name)
    loss.backward()
    return loss, [p.grad for p in generator.parameters()
                  if p.grad is not None], sum(kept)


@pytest.mark.parametrize('low', [False, True])
@pytest.mark.parametrize('build', [mage, dit])
def test_recomputed_steps_are_the_same_and_keep_less(build, low):
    loss, gradients, kept = step(build, False, low)
    other, others, kept_less = step(build, True, low)
    assert torch.equal(loss, other)
    assert len(gradients) > 40
    assert all(map(torch.equal, gradients, others))
    assert kept_less < .4 * kept
