"""Training a KL autoencoder, at tiny sizes."""
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from rcg.pretraining.kl import divergence
from rcg.registry import MODELS
from tests.test_pretraining.test_vqgan import (
    GAME,
    TinyFeatures,
    batch,
    check_that_it_loads,
    losses_of,
    optimizer_of,
    state_of,
    train,
)

TOKENIZER = dict(type='AutoencoderKL', dim=8, dim_mult=(1, 1), z_dim=2,
                 num_res_blocks=0, norm_groups=1, attention=False, scale=.5)
ALL = dict(pixel_loss='l1', adversarial=GAME, perceptual=dict(
    type='PerceptualLoss', network=dict(type=TinyFeatures.__name__)))


def build(**kwargs):
    torch.manual_seed(0)
    cfg = dict(type='KLTraining', tokenizer=TOKENIZER,
               data_preprocessor=dict(type='rcg.ImagePreprocessor'))
    return MODELS.build(cfg | kwargs)


def test_divergence_by_torch():
    moments = torch.randn(3, 4, 2, 2)
    mean, log_var = moments.chunk(2, 1)
    latents = Normal(mean, (log_var / 2).exp())
    wanted = kl_divergence(latents, Normal(0., 1.)).sum((1, 2, 3))
    torch.testing.assert_close(divergence(moments), wanted)
    assert not divergence(torch.zeros(1, 4, 2, 2)).any()


@pytest.mark.parametrize('kwargs', [dict(), ALL])
def test_every_parameter_gets_a_gradient_in_every_phase(kwargs):
    model = build(**kwargs)
    for _ in range(4):
        losses = losses_of(model)
        model.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        without = [n for n, p in model.named_parameters() if p.grad is None]
        assert without == []


def test_terms_in_closed_form():
    model = build(kl_weight=1e-2)
    data = model.data_preprocessor(batch())
    losses = model(**data, mode='loss')
    assert losses.keys() == {'loss_kl', 'loss_pixel', 'psnr'}
    images, rng = data['images'], model.data_preprocessor(batch())['rng']
    moments = model.tokenizer.encode(images)
    latents = model.tokenizer.training_codes(moments, rng)
    fakes = model.tokenizer.decode(latents)
    error = ((fakes - images) / 2).square().sum((1, 2, 3))  # as in [0, 1]
    total = (error + 1e-2 * divergence(moments)).mean() / 192
    torch.testing.assert_close(losses['loss_pixel'] + losses['loss_kl'],
                               total)
    mse = (fakes.clamp(-1, 1) - images).div(2).square().mean((1, 2, 3))
    torch.testing.assert_close(losses['psnr'], -10 * mse.log10().mean())


def test_the_weight_pulls_latents_to_the_standard_normal():
    far = []
    for weight in (0., 10.):
        model = build(kl_weight=weight)
        train(model, range(20), optimizer_of(model, 1e-2))
        images = model.data_preprocessor(batch())['images']
        far.append(divergence(model.tokenizer.encode(images)).mean())
    assert far[1] < far[0] / 2


def test_steps_are_counted_in_training_alone():
    model = build(adversarial=GAME)
    train(model, range(2))
    before = state_of(model)
    model.eval()
    losses_of(model)
    model.val_step(batch())
    assert int(model.step) == 2
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_predictions_are_reconstructions_from_the_means():
    model = build().eval()
    data = batch(step=3)
    results = model.val_step(data)
    images = model.data_preprocessor(data)['images']
    fakes = model.tokenizer.decode(model.tokenizer.latents(images))
    for i, result in enumerate(results):
        wanted = (fakes[i] + 1) * 127.5
        assert (result['images'] - wanted.clamp(0, 255)).abs().max() <= 1
        assert torch.equal(result['originals'], data['images'][i])
        assert result['index'] == 12 + i


def test_trained_tokenizer_loads_with_its_prefix(tmp_path):
    check_that_it_loads(build(**ALL), TOKENIZER, tmp_path)


def test_bad_arguments():
    with pytest.raises(ValueError, match='0 or more, got -1'):
        build(kl_weight=-1)
