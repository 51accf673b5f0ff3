"""The configs of transformers over pixels: sizes, recipe, a small run."""
import pytest
import torch

from rcg.engine import RcgRunner, bare_model
from rcg.engine.schedule import in_iterations
from tests.test_configs import build, count
from tests.test_configs_imagenet import (  # noqa: F401
    DENOISER,
    ENCODER,
    imagenet,
    load,
)


@pytest.mark.parametrize(('name', 'ours'), [
    # Published (arXiv:2511.13720), of the networks with labels: 131 and 459 M.
    ('jit_b_16_label', 131_104_512), ('jit_l_16_label', 459_270_144),
    ('jit_b_16', 130_533_376), ('jit_l_16', 458_508_544),
    ('jit_b_16_uncond', 130_335_744), ('jit_l_16_uncond', 458_245_120)])
def test_numbers_of_parameters(name, ours):
    found = count(build(load(f'rcg/{name}')))
    assert found == ours
    if name.endswith('label'):
        assert round(found / 1e6) == (131 if '_b_' in name else 459)


@pytest.mark.parametrize('name', ['rcg/jit_b_16', 'rcg/jit_l_16',
                                  'digits/pixel_dit', 'digits/pixel_dit_v'])
def test_variants_differ_in_the_condition_alone(name):
    plain = load(name)
    variants = ('uncond', 'label') if name.startswith('rcg') else ('uncond', )
    for variant in variants:
        cfg = load(f'{name}_{variant}')
        for key in ('optim_wrapper', 'train_cfg', 'train_dataloader',
                    'test_evaluator'):
            assert cfg[key] == plain[key], (variant, key)
        ours, theirs = (one.model.generator.to_dict() for one in (cfg, plain))
        for generator in ours, theirs:
            generator['network'].pop('condition')
        assert ours == theirs


@pytest.mark.parametrize('size', ['b', 'l'])
def test_the_recipe_is_that_of_jit(size):
    cfg = load(f'rcg/jit_{size}_16')
    iterations = 600 * 1251  # of 1,024 images
    assert cfg.train_dataloader.batch_size * 32 == 1024
    assert cfg.train_cfg.max_samples == iterations * 1024
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.betas, optimizer.weight_decay) == (
        2e-4, (.9, .95), 0.)
    warmup, = in_iterations(cfg.param_scheduler, iterations)
    assert (warmup['begin'], warmup['end']) == (0, 5 * 1251)
    generator = build(cfg).generator
    flow = generator.diffusion
    assert (flow.parameterization, flow.loss_space, flow.lowest) == (
        'x0', 'v', .05)
    assert (flow.schedule_sampler.mean, flow.schedule_sampler.std) == (.8, .8)
    assert len(generator.sampler.timesteps(flow.schedule)) == 50
    assert generator.network.condition_embed.drop_prob == .1


def test_predicting_v_changes_nothing_else_but_the_bottleneck():
    ours, theirs = (load(f'digits/{name}').model.generator.to_dict()
                    for name in ('pixel_dit', 'pixel_dit_v'))
    assert (ours['diffusion'].pop('parameterization'),
            theirs['diffusion'].pop('parameterization')) == ('x0', 'v')
    assert (ours['network']['form'].pop('bottleneck_dim'),
            theirs['network']['form'].pop('bottleneck_dim')) == (16, None)
    assert ours == theirs


@pytest.mark.parametrize('name', ['pixel_dit', 'pixel_dit_v', 'dit_head'])
def test_digits_are_drawn_by_networks_of_one_size(name):
    plain = count(build(load('digits/dit')).generator)
    ours = count(build(load(f'digits/{name}')).generator)
    assert ours == pytest.approx(plain, rel=.02)


def test_it_trains_and_samples_at_a_small_size(
        imagenet, tmp_path):  # noqa: F811
    images = [dict(type='Resize', size=32), dict(type='RandomCrop', size=32),
              dict(type='RandomFlip')]
    cfg = load('rcg/jit_b_16', **{
        'work_dir': str(tmp_path / 'run'), 'model.encoder': ENCODER,
        'train_dataloader': dict(batch_size=2, num_workers=0,
                                 persistent_workers=False),
        'train_dataloader.dataset.pipeline': images,
        'train_cfg.max_iters': 2, 'default_hooks.checkpoint.interval': 2,
        'optim_wrapper.dtype': 'float32',  # CPUs emulate bfloat16
        'model.rdm': dict(denoiser=DENOISER, checkpoint=None),
        'model.rdm.sampler.num_steps': 2,
        'model.generator.network': dict(
            input_size=32, dim=16, depth=2, num_heads=2,
            condition=dict(rep_dim=8), form=dict(
                bottleneck_dim=8, context_tokens=2, context_start=1)),
        'model.generator.sampler.num_steps': 2})
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    runner = RcgRunner.from_cfg(cfg)
    runner.train()
    saved = torch.load(tmp_path / 'run' / 'iter_2.pth', weights_only=True)
    last = 'generator.network.output.linear.weight'
    assert saved['ema_state_dict'][f'module.{last}'].any()
    keys = torch.tensor([[0, 0], [0, 1]])
    drawn = bare_model(runner).eval().test_step(
        dict(keys=keys, indices=torch.arange(2)))
    found = torch.stack([one['images'] for one in drawn])
    assert found.shape == (2, 3, 32, 32) and found.dtype == torch.uint8
    assert not torch.equal(*found)
