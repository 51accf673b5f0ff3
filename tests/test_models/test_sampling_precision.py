"""Sampling in less precision, and what does not change with it."""
import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn import functional as F

from rcg.models.tokenizers.decoding import Doubling
from rcg.registry import PIXEL_GENERATORS, TOKENIZERS
from rcg.rng import SampleRng

from . import tiny
from .test_frozen_precision import TOKENIZER_CONFIGS

UNET = dict(
    type='DiffusionGenerator',
    network=dict(
        type='UNet', input_size=4, in_channels=4, dim=32, dim_mult=(1, 1),
        num_res_blocks=1, attention_levels=(), condition=None,
        form=dict(head_dim=32)),
    diffusion=dict(type='GaussianDiffusion', parameterization='eps',
                   learn_variance=True),
    sampler=dict(type='DDIMSampler', num_steps=2))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def rng(n=6):
    return SampleRng.from_seed(0, torch.arange(n))


def rcg(**sampling):
    torch.manual_seed(0)
    return tiny.rcg(sampling=sampling).eval()


def dtypes_of(module):
    """Types of the results of all layers with weights, as they are called."""
    seen = set()
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.register_forward_hook(
                lambda module, args, output: seen.add(output.dtype))
    return seen


def test_all_is_as_ever_by_default():
    plain, set_out = tiny.rcg, rcg()
    torch.manual_seed(0)
    assert torch.equal(plain().eval().sample(rng()), set_out.sample(rng()))
    assert set_out.sampling.describe() == {}


def test_the_generator_draws_in_the_precision_that_is_asked_for():
    model = rcg(generator='bfloat16')
    generator, decoder = (dtypes_of(model.generator),
                          dtypes_of(model.tokenizer.module))
    assert model.sample(rng()).dtype == torch.float32
    assert generator == {torch.bfloat16}
    assert decoder == {torch.float32}
    with torch.autocast('cpu', torch.bfloat16):
        generator.clear()
        rcg(generator='float32').sample(rng())
        strict = rcg(generator='float32')
        seen = dtypes_of(strict.generator)
        strict.sample(rng())
    assert seen == {torch.float32}


@pytest.mark.parametrize(('config', 'dtype', 'last'), [
    (TOKENIZER_CONFIGS[0], 'float16', False),
    *((config, 'bfloat16', True) for config in TOKENIZER_CONFIGS[:3])],
    ids=['VQGAN-float16', 'VQGAN', 'LatentVQGAN', 'AutoencoderKL'])
def test_decoding_in_less_precision_is_nearly_the_same(config, dtype, last):
    exact = TOKENIZERS.build(config).eval()
    for weight in exact.up.parameters():
        nn.init.normal_(weight, std=.1)
    fast = copy.deepcopy(exact)
    fast.decode_in(dtype, last)
    images = rng().uniform(3, 8, 8)
    codes = exact.training_codes(exact.encode(images), rng())
    assert torch.equal(fast.encode(images), exact.encode(images))
    with torch.no_grad():
        wanted, got = exact.decode(codes), fast.decode(codes)
    assert got.dtype == torch.float32
    error = (got - wanted).abs().max() / wanted.abs().max()
    assert 0 < error < .05
    # The weights are shared with whoever else uses them.
    for name, value in exact.state_dict().items():
        assert torch.equal(fast.state_dict()[name], value)


def test_a_folded_layer_is_the_same_function():
    layer, x = Doubling(8), rng().normal(8, 5, 3)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight,
                     layer.bias, padding=1)
    assert torch.equal(layer(x), plain)
    assert layer.folded()(x).allclose(plain, atol=1e-6)


def test_channels_last_gives_the_same_samples():
    torch.manual_seed(0)
    plain = PIXEL_GENERATORS.build(UNET).eval()
    for weight in plain.parameters():
        nn.init.normal_(weight, std=.1)
    last, seen = copy.deepcopy(plain), []
    last.channels_last = True
    last.network.register_forward_pre_hook(
        lambda module, args: seen.append(args[0].is_contiguous(
            memory_format=torch.channels_last)))
    wanted = plain.sample(None, rng())
    assert last.sample(None, rng()).allclose(wanted, atol=1e-4)
    assert seen == [True, True]


def test_the_decoder_is_set_up_by_the_model():
    plain, fast = rcg(), rcg(decoder='bfloat16', channels_last=True)
    assert fast.sampling.describe() == dict(decoder='bfloat16',
                                            channels_last=True)
    assert fast.generator.channels_last
    codes = plain.sample_codes(rng())
    a, b = plain.decode(codes), fast.decode(codes)
    assert not torch.equal(a, b)
    assert a.allclose(b, atol=.05 * a.abs().max().item())


@pytest.mark.parametrize('name', ['generator', 'decoder'])
def test_an_unknown_type_is_refused(name):
    with pytest.raises(ValueError, match=f'sampling.{name} must be one of'):
        rcg(**{name: 'bf16'})


def test_a_tokenizer_that_decodes_in_float32_only():
    with pytest.raises(ValueError, match='Pixels decodes in float32 only'):
        tiny.rcg('none', tokenizer=dict(type='Pixels'),
                 sampling=dict(decoder='bfloat16'))
