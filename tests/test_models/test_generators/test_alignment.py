"""The loss of alignment in closed form; what its gradients reach."""
import pytest
import torch
from mmengine.registry import DefaultScope
from torch.nn import functional as F

from rcg.models.generators.alignment import Alignment
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng
from tests.test_models import tiny

ALIGNMENT = dict(feature_dim=5, depth=1, hidden_dim=8)
REP = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
PATCHES = torch.randn(3, 5, 2, 2, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(alignment=ALIGNMENT, network=None):
    cfg = dict(tiny.diffusion())
    cfg['network'] = {**cfg['network'], **(network or {})}
    if alignment is not None:
        cfg.update(type='AlignedDiffusionGenerator', alignment=alignment)
    return PIXEL_GENERATORS.build(cfg)


def losses(generator, *patches, indices=range(3)):
    codes = SampleRng.from_seed(1, range(3)).normal(2, 4, 4)
    return generator.loss(codes, REP, SampleRng.from_seed(1, indices),
                          *patches)


def test_defaults_are_those_of_the_paper():
    part = Alignment(1152, 768)
    assert (part.depth, part.weight) == (8, .5)
    assert [tuple(layer.weight.shape) for layer in part.projector[::2]] == [
        (2048, 1152), (2048, 2048), (768, 2048)]
    assert {type(layer) for layer in part.projector[1::2]} == {torch.nn.SiLU}


def test_the_loss_is_minus_the_weighted_mean_of_cosines():
    part, tokens = Alignment(6, 5, weight=.3, hidden_dim=7), torch.randn(
        3, 4, 6)
    total = 0
    for image, places in zip(part.projector(tokens), PATCHES, strict=True):
        for row in range(2):
            for column in range(2):
                a, b = image[2 * row + column], places[:, row, column]
                total += a @ b / (a.norm() * b.norm())
    torch.testing.assert_close(part(tokens, PATCHES), -.3 * total / 12)
    part.projector = torch.nn.Identity()
    same = PATCHES.flatten(2).transpose(1, 2)
    torch.testing.assert_close(part(7 * same, PATCHES), torch.tensor(-.3))
    torch.testing.assert_close(part(-same, PATCHES), torch.tensor(.3))


def test_patches_of_another_grid_are_resampled():
    part = Alignment(6, 5)
    part.projector = torch.nn.Identity()
    fine = PATCHES.repeat_interleave(2, 2).repeat_interleave(2, 3)  # 4x4
    tokens = PATCHES.flatten(2).transpose(1, 2)
    assert part(tokens, fine) < -.45  # antialiased, so neighbors come in
    flat = torch.ones(3, 5, 7, 7)
    torch.testing.assert_close(part(torch.ones(3, 4, 5), flat),
                               torch.tensor(-.5))
    wanted = F.interpolate(fine, (2, 2), mode='bilinear', antialias=True)
    torch.testing.assert_close(
        part(wanted.flatten(2).transpose(1, 2), fine), torch.tensor(-.5))


def test_without_weight_all_other_losses_keep_their_bits():
    torch.manual_seed(0)
    plain = build(alignment=None)
    torch.manual_seed(0)
    aligned = build()
    for key, value in plain.state_dict().items():
        assert torch.equal(aligned.state_dict()[key], value)
    wanted, got = losses(plain), losses(aligned, PATCHES)
    assert got.keys() - wanted.keys() == {'loss_alignment'}
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)
    assert not any('alignment' in name for name in plain.state_dict())


def test_gradients_reach_the_blocks_before_and_none_after():
    generator = build()
    for p in generator.parameters():
        torch.nn.init.normal_(p, std=.1)
    patches = PATCHES.clone().requires_grad_()
    losses(generator, patches.detach())['loss_alignment'].backward()
    reached = {name for name, p in generator.named_parameters()
               if p.grad is not None and p.grad.abs().max() > 0}
    assert {name.split('.')[2] for name in reached
            if name.startswith('network.blocks')} == {'0'}
    assert not any(name.startswith('network.output') for name in reached)
    assert {'network.patch_embed.weight', 'network.time_embed.0.weight',
            'alignment.projector.0.weight',
            'alignment.projector.4.bias'} <= reached


def test_recomputed_activations_give_the_same():
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        generator = build(network=dict(recompute=recompute))
        sum(losses(generator, PATCHES).values()).backward()
        gradients.append([p.grad for p in generator.parameters()
                          if p.grad is not None])
    assert all(map(torch.equal, *gradients))


def test_it_samples_as_the_plain_generator_does():
    plain, aligned = build(alignment=None), build()
    aligned.load_state_dict(plain.state_dict(), strict=False)
    rng = [SampleRng.from_seed(0, range(3)) for _ in range(2)]
    assert torch.equal(plain.eval().sample(REP, rng[0]),
                       aligned.eval().sample(REP, rng[1]))


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r'in \[1, 2\].*got 3'):
        build(dict(ALIGNMENT, depth=3))
    with pytest.raises(ValueError, match='at least 0, got -1'):
        build(dict(ALIGNMENT, weight=-1.))
    with pytest.raises(ValueError, match='is 5, and .* gives 4 values'):
        losses(build(), PATCHES[:, :4])
    with pytest.raises(ValueError, match="'AlignedRCG' and model"):
        losses(build())
    unet = dict(type='UNet', input_size=4, in_channels=2, dim=8,
                dim_mult=(1, ), num_res_blocks=1,
                form=dict(groups=4, head_dim=8))
    with pytest.raises(ValueError, match='such as DiT, got UNet'):
        PIXEL_GENERATORS.build(dict(
            tiny.diffusion(), type='AlignedDiffusionGenerator', network=unet,
            alignment=ALIGNMENT))
