"""Training the decoder, and all stages of the digits by their configs."""
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.apis import RCGInferencer
from rcg.checkpoint import find_checkpoint, read_checkpoint
from rcg.registry import MODELS
from rcg.rng import SampleRng
from tests.test_engine.running import run_tool
from tests.test_pretraining.test_vqgan import GAME, TinyFeatures, losses_of
from tests.test_projects.test_rae.parts import TOKENIZER

CONFIGS = Path(__file__).parents[3] / 'projects/rae/configs'
ALL = dict(adversarial=GAME, perceptual=dict(
    type='PerceptualLoss', network=dict(type=TinyFeatures.__name__)))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(**kwargs):
    model = MODELS.build(dict(
        type='DecoderTraining', tokenizer=TOKENIZER,
        data_preprocessor=dict(type='ImagePreprocessor'), **kwargs))
    model.tokenizer.normalization.num_images.fill_(1)
    return model


def test_every_parameter_gets_a_gradient_in_every_phase():
    model = build(**ALL)
    for _ in range(4):  # the game begins after two steps
        losses = losses_of(model)
        model.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        assert [n for n, p in model.named_parameters()
                if p.grad is None] == []
    assert losses.keys() == {'loss_pixel', 'loss_perceptual', 'psnr',
                             'loss_generator', 'loss_discriminator'}


def test_noise_has_a_level_for_each_image():
    """sigma ~ |N(0, tau^2)|, and standard normal noise times it."""
    model = build(noise_tau=.5)
    rng = SampleRng.from_seed(0, range(4000))
    noise = model.noisy(torch.ones(4000, 6, 2, 2), rng) - 1
    # E sigma^2 = tau^2; E sigma^4 = 3 tau^4, unlike that of one level.
    squares = noise.square().mean((1, 2, 3))
    assert squares.mean() == pytest.approx(.25, rel=.06)
    assert squares.var() == pytest.approx(
        (3 + 2 * 3 / 24 - 1) * .5**4, rel=.2)
    assert noise.mean().abs() < .01
    part = model.noisy(torch.ones(9, 6, 2, 2),
                       SampleRng.from_seed(0, range(9))) - 1
    assert torch.equal(part, noise[:9])


def test_without_noise_the_loss_is_that_of_reconstructions():
    model = build(noise_tau=0., pixel_loss='l1')
    losses = losses_of(model)
    data = model.data_preprocessor(dict(images=torch.randint(
        256, (4, 3, 8, 8), dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0))))
    wanted = (model(**data) - data['images']).abs().mean() / 2
    torch.testing.assert_close(losses['loss_pixel'], wanted)


def test_codes_without_statistics_are_refused():
    model = build()
    model.tokenizer.normalization.num_images.zero_()
    with pytest.raises(ValueError, match='statistics of the codes are miss'):
        losses_of(model)
    with pytest.raises(ValueError, match='noise_tau must be 0 or more'):
        build(noise_tau=-1.)


def train(name, *options):
    run_tool('train.py', CONFIGS / 'digits' / name, '--cfg-options',
             'train_dataloader.batch_size=32',
             'default_hooks.checkpoint.interval=1', *options)


@pytest.mark.slow
def test_stages_of_the_digits(digits_root):
    """Two steps of each, then four images twice: identical.

    The statistics reach the decoder's checkpoint; no encoder is in it.
    """
    train('rae_normalization.py', 'train_cfg.max_samples=64')
    train('rae_tokenizer.py', 'train_cfg.max_samples=64',
          'train_cfg.val_interval=2')
    statistics, tokenizer = (
        read_checkpoint(find_checkpoint(str(digits_root / name)))['state_dict']
        for name in ('rae_normalization', 'rae_tokenizer'))
    assert tokenizer['tokenizer.normalization.num_images'] == 64
    for name in 'mean', 'variance':
        assert torch.equal(tokenizer[f'tokenizer.normalization.{name}'],
                           statistics[f'normalization.{name}'])
    for state in statistics, tokenizer:
        assert not any('encoder' in name for name in state)
    train('rae_dit.py', 'train_cfg.max_samples=64')
    weights = find_checkpoint(str(digits_root / 'rae_dit'))
    assert not any('tokenizer' in name
                   for name in read_checkpoint(weights)['state_dict'])
    rcg = RCGInferencer(str(CONFIGS / 'digits/rae_dit.py'),
                        str(digits_root / 'rae_dit'), 'cpu')
    first, second = (rcg.sample(4, output='tensor') for _ in range(2))
    assert first.shape == (4, 3, 16, 16) and first.isfinite().all()
    assert torch.equal(first, second)
