"""The denoiser by itself, and in the generator of the project's config."""
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.apis import RCGInferencer
from rcg.engine import load_config
from rcg.projects.timm_denoiser import TimmDenoiser
from rcg.registry import MODELS
from rcg.rng import SampleRng

ROOT = Path(__file__).parents[3]
CONFIG = str(ROOT / 'projects/timm_denoiser/configs/digits.py')
CONDITION = dict(type='RepresentationCondition', rep_dim=5, drop_prob=.5)


@pytest.fixture(autouse=True)
def seed():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def denoiser(**changes):
    return MODELS.build({**dict(
        type='TimmDenoiser', model='vit_tiny_patch16_224', depth=1,
        input_size=4, patch_size=2, in_channels=3), **changes}).eval()


def test_it_is_found_by_its_name():
    assert isinstance(denoiser(), TimmDenoiser)


@pytest.mark.parametrize('condition', [None, CONDITION])
def test_every_parameter_is_used(condition):
    """Else training on several processes would fail."""
    net = denoiser(condition=condition)
    embedding = None
    if condition is not None:  # some are dropped: the null condition learns
        rng = SampleRng.from_seed(0, range(8))
        embedding = net.condition_embed(torch.randn(8, 5), rng)
    out = net(torch.randn(8, 3, 4, 4), torch.arange(8) * 100, embedding)
    assert out.shape == (8, 3, 4, 4)
    out.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_it_depends_on_image_time_and_condition():
    net = denoiser(condition=CONDITION)
    x, t = torch.randn(1, 3, 4, 4), torch.tensor([10])
    embedding = net.condition_embed(torch.randn(1, 5))
    out = net(x, t, embedding)
    for changed in ((x + 1, t, embedding), (x, t + 500, embedding),
                    (x, t, net.condition_embed(torch.randn(1, 5)))):
        assert not torch.allclose(net(*changed), out, atol=1e-3)


def test_a_patch_of_the_output_is_where_its_token_is():
    """Without blocks, a pixel of the input reaches its own patch alone."""
    net = denoiser(depth=0)
    x, t = torch.randn(1, 3, 4, 4), torch.tensor([10])
    changed = x.clone()
    changed[0, 0, 1, 3] += 1  # the patch at the top right
    moved = (net(changed, t) - net(x, t)).abs().amax((0, 1)) > 1e-6
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[:2, 2:] = True
    assert torch.equal(moved, expected)


def test_the_project_s_config(digits_root):
    """It learns and draws with the parts of the quick start."""
    model = MODELS.build(load_config(CONFIG).model)
    assert isinstance(model.generator.network, TimmDenoiser)
    images = torch.rand(3, 1, 16, 16).repeat(1, 3, 1, 1) * 2 - 1
    losses = model(mode='loss', images=images,
                   rng=SampleRng.from_seed(0, range(3)))
    sum(losses.values()).backward()
    folder = digits_root / 'timm_denoiser'
    folder.mkdir(exist_ok=True)
    torch.save({'state_dict': model.state_dict()}, folder / 'iter_1.pth')
    drawn = RCGInferencer(CONFIG, str(folder), 'cpu').sample(
        2, output='tensor')
    assert drawn.shape == (2, 3, 16, 16)
    assert drawn.isfinite().all()
