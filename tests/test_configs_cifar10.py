"""The configs of CIFAR-10: IDDPM's sizes, and all stages, small, in turn."""
import math

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.engine import RcgRunner, load_config
from rcg.engine.schedule import resolve_lr
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS, TASK_UTILS
from rcg.rng import SampleRng
from tests.test_configs import ROOT, build, count
from tests.test_configs_imagenet import load
from tests.test_datasets.test_cifar import archive  # noqa: F401
from tests.test_evaluation import toy  # noqa: F401

# Of the same projector; a ResNet would take most of the test's time.
SMALL_ENCODER = {'_delete_': True, 'type': 'ConvEncoder', 'widths': (8, 8),
                 'strides': (4, 4), 'projector_hidden_dim': 8,
                 'projector_dim': 8}
SMALL_DENOISER = {'rep_dim': 8, 'width': 16, 'num_blocks': 1}


def test_iddpm_is_the_published_one():
    generator = build(load('cifar10/iddpm_uncond')).generator
    # The released file of IDDPM is called cifar10_uncond_50M_500K.
    assert count(generator) == pytest.approx(50e6, rel=.06)
    attentions = [layer for layer in generator.modules()
                  if type(layer).__name__ == 'SpatialSelfAttention']
    assert {layer.qkv.in_features // layer.head_dim
            for layer in attentions} == {4}
    # 2 levels x (3 blocks down, 4 up), and the middle.
    assert len(attentions) == 2 * (3 + 4) + 1
    drops = {layer.p for layer in generator.modules()
             if isinstance(layer, torch.nn.Dropout)}
    assert drops == {.3}
    assert len(generator.diffusion) == 4000
    signal = generator.diffusion.schedule.alphas_cumprod
    assert signal[1999] == pytest.approx(
        math.cos((.5 + .008) / 1.008 * math.pi / 2)**2, rel=1e-3)
    times = generator.sampler.timesteps(generator.diffusion.schedule)
    assert (len(times), times[0], times[-1]) == (250, 0, 3999)


def test_recipe_of_iddpm():
    for name in ('iddpm', 'iddpm_uncond', 'iddpm_label'):
        cfg = load(f'cifar10/{name}')
        assert cfg.train_cfg.max_samples == 500000 * 128
        assert cfg.train_dataloader.batch_size == 128
        assert cfg.optim_wrapper.optimizer.lr == 1e-4
        assert cfg.get('param_scheduler') is None
        assert (cfg.custom_hooks[0].decay,
                cfg.custom_hooks[0].warmup) == (.9999, False)
        fid = cfg.test_evaluator[1]
        assert cfg.test_dataloader.dataset.num_images == 50000
        assert fid.reference.split == 'train'
        assert 'pipeline' not in fid.reference


def test_all_the_steps_of_the_readme_can_be_taken():
    build(load('cifar10/iddpm', **{
        'model.generator.sampler.num_steps': 4000}))


def test_losses_of_iddpm():
    hybrid, bound = (
        TASK_UTILS.build(load(f'cifar10/{name}', **{
            f'model.generator.diffusion.{key}': value for key, value in
            options.items()}).model.generator.diffusion)
        for name, options in (
            ('iddpm', dict(rescale_learned_sigmas=True)),
            ('iddpm_vlb_uncond', {})))
    assert hybrid.objective.rescale_learned_sigmas
    assert bound.objective.use_kl
    assert len(bound.schedule_sampler.probabilities()) == 4000


@pytest.mark.parametrize('stage', ['rdm', 'iddpm'])
def test_the_encoder_of_imagenet_is_one_other_line(stage, tmp_path):
    readme = (ROOT / 'cifar10' / 'README.md').read_text()
    line = next(row.strip() for row in readme.splitlines()
                if row.strip().startswith('encoder = '))
    before, _, after = (ROOT / 'cifar10' / f'{stage}.py').read_text() \
        .partition('encoder = dict(')
    after = after.partition("prefix='encoder.')")[2]
    leaf = tmp_path / f'{stage}.py'
    leaf.write_text(f'{before}{line}{after}'.replace('../_base_',
                                                     f'{ROOT}/_base_'))
    denoiser = 'model.rdm.denoiser' if stage == 'iddpm' else 'model.denoiser'
    options = {f'{denoiser}.rep_dim': 256}
    if stage == 'iddpm':
        options['model.generator.network.condition.rep_dim'] = 256
    cfg = load_config(str(leaf), options)
    assert cfg.model.encoder.checkpoint == (
        'checkpoints/mocov3_vit_b.safetensors')
    encoder = build(cfg).encoder
    assert encoder.rep_dim == 256
    assert count(encoder.on(torch.device('meta'))) == count(build(
        load('rdm/mocov3_vit_b')).encoder.on(torch.device('meta')))


def test_views_are_two_of_a_batch():
    """On the device, as large as the encoder's images."""
    model = build(load('cifar10/encoder'))
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    one, two = (view(images, SampleRng(torch.arange(6).view(3, 2)))
                for view in model.views)
    assert one.shape == two.shape == images.shape
    assert not torch.equal(one, images)


def test_recipe_of_simclr():
    """The published command for CIFAR-10, and LARS of what decays alone."""
    cfg = load('cifar10/encoder')
    wrapper = cfg.optim_wrapper.to_dict()
    resolve_lr(wrapper, cfg.train_dataloader.batch_size, 1)
    assert wrapper['optimizer']['lr'] == 1. * 512 / 256
    assert (cfg.train_cfg.max_samples, cfg.model.temperature) == (
        1000 * (50000 // 512) * 512, .5)
    assert [step.type for step in cfg.model.views[0]] == [
        'RandomResizedCrop', 'RandomFlip', 'ColorJitter', 'RandomGrayscale']
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, 3.)
    torch.nn.init.constant_(model.bias, 3.)
    with DefaultScope.overwrite_default_scope('rcg'):
        optimizer = OPTIM_WRAPPER_CONSTRUCTORS.build(dict(
            type=wrapper.pop('constructor'), optim_wrapper_cfg=wrapper))(
                model).optimizer
    for p in model.parameters():
        p.grad = torch.full_like(p, 5.)
    optimizer.step()
    # The length of the step is that of the weight, times rate and .001.
    assert model.weight[0, 0].item() == pytest.approx(3 * (1 - 2 * .001),
                                                      abs=1e-6)
    assert model.bias.item() == pytest.approx(3 - 2 * 5)


def run(stage, **options):
    """Two steps of a stage; what it writes is what the next one reads."""
    cfg = load(f'cifar10/{stage}', **{
        'train_dataloader': dict(batch_size=4, num_workers=0,
                                 persistent_workers=False),
        'train_cfg.max_iters': 2, 'default_hooks.checkpoint.interval': 2,
        **options})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if stage in ('encoder', 'rdm'):
        cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    else:
        cfg.test_evaluator = [dict(cfg.test_evaluator[1],
                                   extractor=dict(type='ToyExtractor'))]
    runner = RcgRunner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.mark.slow
def test_all_stages_at_a_small_size(
        archive, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv('RCG_DATA', str(tmp_path / 'data'))
    monkeypatch.setenv('RCG_ROOT', str(tmp_path / 'runs'))
    run('encoder', **{'model.encoder': SMALL_ENCODER,
                      'optim_wrapper.dtype': 'float32'})
    run('rdm', **{'model.encoder': SMALL_ENCODER,
                  'model.denoiser': SMALL_DENOISER})
    generator = {
        'model.generator.network': dict(dim=32, num_res_blocks=1),
        'model.generator.sampler.num_steps': 2,
        'custom_hooks.1.num_images': 2, 'test_dataloader.batch_size': 2,
        'test_dataloader.dataset.num_images': 4}
    for stage, more in (('iddpm_uncond', {}), ('iddpm_label', {}), ('iddpm', {
            'model.generator.network.condition.rep_dim': 8,
            'model.encoder': SMALL_ENCODER, 'model.rdm': dict(
                denoiser=SMALL_DENOISER, sampler=dict(num_steps=2))})):
        runner = run(stage, **generator, **more)
        assert math.isfinite(runner.test()['train/fid'])
        assert (tmp_path / 'runs' / stage / 'samples').is_dir()
