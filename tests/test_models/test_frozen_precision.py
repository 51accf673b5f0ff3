"""Frozen parts run in float32, whatever the generator runs in."""
import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from rcg.engine import AutocastOptimWrapper
from rcg.frozen import Frozen
from rcg.models.diffusers import RDM
from rcg.models.encoders import PixelPCA
from rcg.registry import ENCODERS, TOKENIZERS
from rcg.rng import SampleRng

from . import tiny

CPU = torch.device('cpu')
SMALL = dict(dim=32, dim_mult=(1, 1), num_res_blocks=1, z_dim=4)
TOKENIZER_CONFIGS = [
    dict(type='VQGAN', num_codes=64, **SMALL),
    dict(type='LatentVQGAN', num_codes=64, attention_levels=(1, ), **SMALL),
    dict(type='AutoencoderKL', **SMALL), dict(type='Pixels')]
ENCODER_CONFIGS = [
    tiny.ENCODER,
    dict(type='MoCoV3ViT', img_size=8, projector_hidden_dim=16,
         projector_dim=6,
         vit=dict(patch_size=4, embed_dim=16, depth=1, num_heads=2)),
    dict(type='FittedPCA', image_size=4, num_components=6)]


@ENCODERS.register_module()
class FittedPCA(PixelPCA):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fit(images(20))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def rng(n=6):
    return SampleRng.from_seed(0, torch.arange(n))


def images(n=6):
    return SampleRng.from_seed(1, torch.arange(n)).uniform(3, 8, 8) * 2 - 1


def autocast():
    return torch.autocast('cpu', torch.bfloat16)


def assert_equal_in_autocast(function):
    """A result is float32 or integer, and equal to the bit in autocast."""
    expected = function()
    with autocast():
        found = function()
        assert torch.is_autocast_enabled('cpu')
    for name, value in expected.items():
        assert found[name].dtype in (torch.float32, torch.int64)
        assert torch.equal(found[name], value), name


def rcg_with(tokenizer, encoder):
    rep_dim = ENCODERS.build(encoder).rep_dim
    condition = dict(type='RepresentationCondition', rep_dim=rep_dim)
    rdm = dict(tiny.RDM, denoiser=dict(tiny.DENOISER, rep_dim=rep_dim))
    model = tiny.rcg(encoder=encoder, rdm=rdm,
                     generator=tiny.generator(condition))
    model.tokenizer = Frozen(TOKENIZERS.build(tokenizer))
    return model


@pytest.mark.parametrize('tokenizer', TOKENIZER_CONFIGS,
                         ids=lambda cfg: cfg['type'])
def test_live_codes_are_the_cached_ones(tokenizer):
    model = rcg_with(tokenizer, tiny.ENCODER)
    assert_equal_in_autocast(lambda: model.encode(images()))


@pytest.mark.parametrize('encoder', ENCODER_CONFIGS,
                         ids=lambda cfg: cfg['type'])
def test_live_representations_are_the_cached_ones(encoder):
    model = rcg_with(tiny.TOKENIZER, encoder)
    assert_equal_in_autocast(lambda: model.encode(images()))
    rep_dim = model.encoder.rep_dim
    rdm = RDM(dict(tiny.DENOISER, rep_dim=rep_dim), tiny.DIFFUSION,
              tiny.SAMPLER, encoder)
    assert_equal_in_autocast(lambda: rdm.encode(images()))


def test_autocast_would_change_them():
    # So the tests above can fail.
    tokenizer = TOKENIZERS.build(TOKENIZER_CONFIGS[2])
    expected = tokenizer.encode(images())
    with autocast():
        assert not torch.equal(tokenizer.encode(images()).float(), expected)


@pytest.mark.parametrize('of', ['rcg', 'rdm'])
def test_a_step_on_live_and_on_cached_features_is_the_same(of):
    model = tiny.rcg() if of == 'rcg' else RDM(
        tiny.DENOISER, tiny.DIFFUSION, tiny.SAMPLER, tiny.ENCODER)
    cached = model.encode(images())
    results = []
    for data in (dict(images=images()), cached):
        trained = copy.deepcopy(model)
        wrapper = AutocastOptimWrapper(
            dtype='bfloat16',
            optimizer=torch.optim.SGD(trained.parameters(), lr=.1))
        with wrapper.optim_context(trained):
            losses = trained(mode='loss', rng=rng(), **data)
        loss, _ = trained.parse_losses(losses)
        wrapper.update_params(loss)
        results.append([loss, *trained.parameters()])
    for live, stored in zip(*results, strict=True):
        assert torch.equal(live, stored)


def test_what_the_generator_is_given_does_not_depend_on_its_precision():
    # Representations that the RDM draws, as under test_cfg.fp16.
    model, seen = tiny.rcg().eval(), []
    with torch.no_grad():  # the untrained one predicts 0 in any precision
        for weight in model.rdm.module.parameters():
            weight.normal_(std=.3)
    sample = model.generator.sample

    def spy(condition, rng):
        seen.append((condition, torch.is_autocast_enabled('cpu')))
        return sample(condition, rng)

    model.generator.sample = spy
    model.sample(rng())
    with autocast():
        model.sample(rng())
    (exact, _), (mixed, in_autocast) = seen
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, exact)
    assert in_autocast


@pytest.mark.parametrize('tokenizer', TOKENIZER_CONFIGS[:3],
                         ids=lambda cfg: cfg['type'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_codes_are_decoded_in_float32(tokenizer, dtype):
    model = tiny.rcg().eval()
    model.tokenizer = Frozen(TOKENIZERS.build(tokenizer))
    codes = (torch.arange(24).view(6, 4) if tokenizer['type'] == 'VQGAN'
             else rng().normal(4, 4, 4).to(dtype))
    model.generator.sample = lambda condition, rng: codes
    assert_equal_in_autocast(lambda: dict(images=model.sample(rng())))


def test_images_of_less_precision_are_encoded():
    # Some strategies hand on images in the precision of the weights.
    model = tiny.rcg()
    found = model.encode(images().bfloat16())
    expected = model.encode(images().bfloat16().float())
    assert torch.equal(found['codes'], expected['codes'])
    assert torch.equal(found['representations'], expected['representations'])


def test_a_guide_runs_in_the_precision_of_its_generator():
    # It is a second generator; their difference is what guides.
    model = tiny.rcg().eval()
    guide = Frozen(copy.deepcopy(model.generator.network))
    model.generator.guidance.guide = guide
    model.generator.guidance_scale = 2.
    dtypes = []
    linear = next(m for m in guide.module.modules()
                  if isinstance(m, nn.Linear))
    linear.register_forward_hook(
        lambda module, args, output: dtypes.append(output.dtype))
    with autocast():
        model.sample(rng())
    assert set(dtypes) == {torch.bfloat16}


def test_a_part_leaves_autocast_as_it_was():
    part = Frozen(nn.Linear(2, 2))
    with autocast():
        with part.in_float32(CPU) as module:
            assert module(torch.zeros(1, 2)).dtype == torch.float32
            assert module is part.module
        with pytest.raises(ZeroDivisionError), part.in_float32(CPU):
            raise ZeroDivisionError
        assert part.on(CPU)(torch.zeros(1, 2)).dtype == torch.bfloat16
