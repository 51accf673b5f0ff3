"""AutoencoderKL at small sizes; its numbers are in test_converters."""
import pytest
import torch

from rcg.models.tokenizers import AutoencoderKL
from rcg.models.tokenizers.conv_autoencoder import SpatialAttention
from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng


def build(**kwargs):
    torch.manual_seed(0)
    return TOKENIZERS.build(dict(
        dict(type='AutoencoderKL', dim=32, dim_mult=(1, 2, 1),
             num_res_blocks=1, z_dim=3, scale=.5), **kwargs))


@pytest.fixture(scope='module')
def tokenizer():
    return build().requires_grad_(False)


def images_of(count=2, height=16, width=16):
    return torch.rand(count, 3, height, width) * 2 - 1


def rng_of(*positions):
    return SampleRng.from_seed(0, positions)


def test_default_is_kl_f8():
    with torch.device('meta'):
        tokenizer = AutoencoderKL()
    assert tokenizer.grid_size(256) == 32
    assert tokenizer.scale == .18215
    # As Stable Diffusion's has.
    assert sum(p.numel() for p in tokenizer.parameters()) == 83653863
    attends = [name for name, module in tokenizer.named_modules()
               if isinstance(module, SpatialAttention)]
    assert attends == ['down.middle.0.attention',
                       'up.middle.0.attention']


def test_shapes(tokenizer):
    images = images_of(height=16, width=24)
    moments = tokenizer.encode(images)
    assert moments.shape == (2, 6, 4, 6)
    latents = tokenizer.training_codes(moments, rng_of(0, 1))
    assert latents.shape == tokenizer.latents(images).shape == (2, 3, 4, 6)
    assert tokenizer.decode(latents).shape == images.shape


def test_draws_have_the_moments(tokenizer):
    one = torch.tensor([2., -1, 0, 0, 2, -4]).view(1, 6, 1, 1)
    latents = tokenizer.training_codes(
        one.expand(20000, 6, 1, 1), rng_of(*range(20000)))[..., 0, 0]
    torch.testing.assert_close(
        latents.mean(0), torch.tensor([1., -.5, 0]), atol=.02, rtol=0)
    stds = .5 * torch.tensor([0., 1, -2]).exp()
    torch.testing.assert_close(latents.std(0), stds, atol=0, rtol=.03)


def test_log_variances_are_clamped_as_published(tokenizer):
    moments = torch.zeros(2, 6, 1, 1)
    moments[:, 3:] = torch.tensor([-1e3, 1e3]).view(2, 1, 1, 1)
    drawn = tokenizer.training_codes(moments, rng_of(0, 1))
    noise = rng_of(0, 1).normal(3, 1, 1)
    wanted = .5 * noise * torch.tensor([-15., 10]).exp().view(2, 1, 1, 1)
    torch.testing.assert_close(drawn, wanted)


def test_draws_are_float32_and_scaled_as_means_are(tokenizer):
    images = images_of()
    moments = tokenizer.encode(images)
    certain = torch.cat([moments[:, :3], torch.full((2, 3, 4, 4), -30.)], 1)
    drawn = tokenizer.training_codes(certain, rng_of(0, 1))
    torch.testing.assert_close(drawn, tokenizer.latents(images), atol=1e-5,
                               rtol=0)
    half = tokenizer.training_codes(moments.half(), rng_of(0, 1))
    assert half.dtype == torch.float32


def test_reconstructions_are_those_of_the_means(tokenizer):
    images = images_of()
    reconstruction, moments = tokenizer(images)
    assert torch.equal(reconstruction,
                       tokenizer.decode(tokenizer.latents(images)))
    assert torch.equal(moments, tokenizer.encode(images))


def test_the_scale_is_of_the_latents_alone():
    images, scaled, plain = images_of(), build(scale=.25), build(scale=1.)
    with torch.no_grad():
        assert torch.equal(scaled.encode(images), plain.encode(images))
        assert torch.equal(scaled.latents(images),
                           plain.latents(images) * .25)
        assert torch.equal(scaled(images)[0], plain(images)[0])
    with pytest.raises(ValueError, match='must be positive, got 0'):
        build(scale=0)


def test_without_attention_and_with_one_group():
    tokenizer = build(attention=False, norm_groups=1, dim=20)
    names = [type(module).__name__ for module in tokenizer.modules()]
    assert 'SpatialAttention' not in names
    groups = {module.num_groups for module in tokenizer.modules()
              if isinstance(module, torch.nn.GroupNorm)}
    assert groups == {1}


@pytest.mark.parametrize('attention', [True, False])
def test_gradients_reach_every_parameter(attention):
    tokenizer, images = build(dim=64, attention=attention), images_of()
    moments = tokenizer.encode(images)
    fakes = tokenizer.decode(tokenizer.training_codes(moments, rng_of(0, 1)))
    (fakes - images).abs().mean().backward()
    without = [n for n, p in tokenizer.named_parameters() if p.grad is None]
    zero = [n for n, p in tokenizer.named_parameters() if not p.grad.any()]
    assert (without, zero) == ([], [])


def test_rows_do_not_depend_on_the_batch(tokenizer):
    images = images_of(4)
    alone = tokenizer.training_codes(tokenizer.encode(images[1:2]), rng_of(7))
    together = tokenizer.training_codes(tokenizer.encode(images),
                                        rng_of(5, 7, 9, 1))
    torch.testing.assert_close(alone, together[1:2], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokenizer.decode(alone),
                               tokenizer.decode(together)[1:2],
                               atol=1e-5, rtol=1e-5)


def test_sizes_that_do_not_fit(tokenizer):
    with pytest.raises(ValueError, match='factor 4, got 18'):
        tokenizer.encode(torch.zeros(1, 3, 16, 18))
    with pytest.raises(ValueError, match='multiple of the 32 groups'):
        build(dim=48)
