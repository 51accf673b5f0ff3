"""Two sides of a game whose gradients must not mix."""
import pytest
import torch
from torch import nn

from rcg.pretraining.adversarial import (
    AdversarialLoss,
    PatchDiscriminator,
    adaptive_weight,
)


@pytest.fixture
def game():
    torch.manual_seed(0)
    return AdversarialLoss(dict(type='PatchDiscriminator', dim=8,
                                num_layers=2), weight=.5, start=3)


@pytest.fixture
def images():
    torch.manual_seed(1)
    reals = torch.rand(4, 3, 16, 16) * 2 - 1
    decoder = nn.Conv2d(3, 3, 3, padding=1)
    fakes = decoder(reals)
    return reals, fakes, (fakes - reals).square().mean(), decoder.weight


@pytest.mark.parametrize(('size', 'layers', 'grid'), [
    (16, 1, 6), (16, 2, 2), (64, 3, 6), (256, 3, 30)])
def test_a_verdict_for_each_patch(size, layers, grid):
    network = PatchDiscriminator(8, layers)
    verdicts = network(torch.zeros(2, 3, size, size))
    assert verdicts.shape == (2, 1, grid, grid)


def test_smallest_image():
    for layers in (1, 2, 3):
        network = PatchDiscriminator(8, layers)
        size = network.min_size
        assert network(torch.zeros(1, 3, size, size)).numel() >= 1
        with pytest.raises(ValueError, match=f'at least {size} pixels'):
            network(torch.zeros(1, 3, size - 1, size))


def test_verdicts_do_not_depend_on_the_batch(game):
    images = torch.randn(3, 3, 16, 16)
    alone = game.discriminator(images[:1])
    torch.testing.assert_close(game.discriminator(images)[:1], alone)


def test_each_side_gets_its_own_gradient_from_one_backward(game, images):
    reals, fakes, other, weights = images
    parameters = list(game.discriminator.parameters())
    losses = game(reals, fakes, other, weights, step=3)
    ours = torch.autograd.grad(losses['loss_discriminator'], parameters,
                               retain_graph=True)
    theirs = torch.autograd.grad(losses['loss_generator'], weights,
                                 retain_graph=True)[0]
    sum(losses.values()).backward()
    for wanted, parameter in zip(ours, parameters, strict=True):
        assert torch.equal(parameter.grad, wanted)
        assert wanted.any() or wanted.ndim < 2  # biases may balance
    torch.testing.assert_close(weights.grad, theirs)


def test_losses_in_closed_form(game, images):
    reals, fakes, other, weights = images
    losses = game(reals, fakes, other, weights, step=3)
    real, fake = game.discriminator(reals), game.discriminator(fakes)
    hinge = ((1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean())
    torch.testing.assert_close(losses['loss_discriminator'], hinge / 2)
    balance = adaptive_weight(other, -fake.mean(), weights)
    torch.testing.assert_close(losses['loss_generator'],
                               -.5 * balance * fake.mean())


def test_adaptive_weight_balances_the_two_pulls():
    weights = torch.tensor([1., 2.], requires_grad=True)
    strong, weak = weights.square().sum(), .01 * weights.sum()
    balance = adaptive_weight(strong, weak, weights)
    assert not balance.requires_grad
    wanted = (4 + 16)**.5 / (.01 * 2**.5 + 1e-4)
    assert balance.item() == pytest.approx(wanted)
    none = (0 * weights).sum()
    assert adaptive_weight(strong * 1e3, none, weights).item() == 1e4


def test_before_the_start_all_is_zero_but_present(game, images):
    reals, fakes, other, weights = images
    losses = game(reals, fakes, other, weights, step=2)
    assert {name: value.item() for name, value in losses.items()} == {
        'loss_generator': 0, 'loss_discriminator': 0}
    sum(losses.values()).backward()
    for parameter in game.discriminator.parameters():
        assert parameter.grad is not None
        assert not parameter.grad.any()


def test_values_without_gradients(game, images):
    reals, fakes, other, weights = images
    with torch.no_grad():
        losses = game(reals, fakes.detach(), other.detach(), weights, step=3)
    assert all(value.isfinite() for value in losses.values())
