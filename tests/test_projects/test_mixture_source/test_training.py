"""Fitting a mixture, and the stages of the digits by their configs."""
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from safetensors.torch import save_file
from torch import nn

from rcg.apis import RCGInferencer, store_representations
from rcg.checkpoint import find_checkpoint, read_checkpoint
from rcg.engine import load_config
from rcg.registry import ENCODERS, MODELS
from tests.test_engine.running import run_tool
from tests.test_projects.test_mixture_source.parts import mixture

CONFIGS = Path(__file__).parents[3] / 'projects/mixture_source/configs'


@ENCODERS.register_module()
class CornerEncoder(nn.Module):
    """The first four values of an image, for tests."""
    rep_dim = 4

    def forward(self, images):
        return images.flatten(1)[:, :4]


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def training(folder, tokenizer=None, shape=(4, ), **changes):
    path = folder / 'clusters.safetensors'
    save_file(dict(representations=mixture().centroids,
                   counts=torch.ones(3, dtype=torch.int64)), path)
    shared = changes.pop('shared_std', False)
    return MODELS.build(dict(
        type='MixtureTraining', encoder=dict(type='CornerEncoder'),
        tokenizer=tokenizer, clusters=dict(
            type='StoredRepresentations', num=3, rep_dim=4,
            checkpoint=str(path)),
        mixture=dict(type='GaussianMixture', num=3, rep_dim=4, shape=shape,
                     shared_std=shared), **changes))


def images(modes):
    """Images whose corners lie about centroids."""
    found = torch.randn(len(modes), 3, 2, 2)
    found.view(len(modes), -1)[:, :4] += mixture().centroids[modes]
    return found


MODES = torch.tensor([0, 0, 1, 2, 2, 2, 1, 0, 2])


@pytest.mark.parametrize('shared_std', [False, True])
def test_moments_are_those_within_the_clusters(tmp_path, shared_std):
    """In whatever batches; with a row more of the variance of all."""
    model = training(tmp_path, dict(type='Pixels'), (3, 2, 2),
                     shared_std=shared_std, prior_count=1.)
    x = images(MODES)
    for part in x.split(4):
        losses = model(part, mode='loss', indices=None,
                       labels=torch.zeros(len(part)))  # of no use
    part = model.mixture
    assert part.counts.tolist() == [3, 2, 4]
    groups = [x[k == MODES] for k in range(3)]
    for k, group in enumerate(groups):
        torch.testing.assert_close(part.means[k], group.mean(0))
    within = [len(g) * g.var(0, correction=0) for g in groups]
    shared = sum(within) / 9
    if shared_std:
        torch.testing.assert_close(part.stds[0], shared.sqrt())
    else:
        for k, group in enumerate(groups):
            torch.testing.assert_close(part.stds[k], (
                (within[k] + shared) / (len(group) + 1)).sqrt())
    rest = x[8:] - part.means[MODES[8:]]
    torch.testing.assert_close(losses['loss_within'],
                               rest.square().mean().double())
    assert {name.split('.')[0] for name in model.state_dict()} == {
        'mixture', 'total', 'squares'}


def test_a_mode_without_images_is_the_gaussian_of_all(tmp_path):
    model = training(tmp_path)
    x = images(MODES[:3])
    model(x, mode='loss')
    values = x.flatten(1)[:, :4]
    torch.testing.assert_close(model.mixture.means[2], values.mean(0))
    assert model.mixture.counts.tolist() == [2, 1, 0]
    assert model.mixture.stds.isfinite().all()
    # One image alone has the variance of all, halved by its own of 0.
    shared = 2 * values[:2].var(0, correction=0) / 3
    torch.testing.assert_close(model.mixture.stds[1], (shared / 2).sqrt())


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match='prior_count must be 0 or more'):
        training(tmp_path, prior_count=-1.)
    with pytest.raises(ValueError, match=r'\(3, 5\), .* has \(3, 4\)'):
        MODELS.build(dict(
            type='MixtureTraining', encoder=dict(type='CornerEncoder'),
            clusters=dict(type='StoredRepresentations', num=3, rep_dim=4),
            mixture=dict(type='GaussianMixture', num=3, rep_dim=5,
                         shape=(2, ))))


def test_a_network_without_condition():
    layer = MODELS.build(dict(type='UnusedCondition', rep_dim=4, dim=6))
    found = layer(torch.ones(3, 4))
    assert found.shape == (3, 6) and not found.any()
    with pytest.raises(ValueError, match='cannot be guided'):
        layer.null(3)


def train(name, *options):
    run_tool('train.py', CONFIGS / 'digits' / f'{name}.py', '--cfg-options',
             'default_hooks.checkpoint.interval=1', *options)


@pytest.mark.slow
def test_stages_of_the_digits(digits_root):
    """Two steps of each, then four images twice: identical."""
    store_representations(
        'configs/digits/rdm.py', str(digits_root / 'clusters.safetensors'),
        clusters=64)
    train('mixture_codes')
    train('mixture_representations')
    state = read_checkpoint(find_checkpoint(str(
        digits_root / 'mixture_codes')))['state_dict']
    assert state['mixture.counts'].sum() == 1438
    assert state['mixture.means'].shape == (64, 4, 4, 4)
    train('mixture_rdm', 'train_cfg.max_samples=512',
          'val_cfg=None', 'val_dataloader=None', 'val_evaluator=None')
    for name in 'mixture_dit', 'mixture_dit_uncond':
        train(name, 'train_cfg.max_samples=256')
        weights = find_checkpoint(str(digits_root / name))
        assert not any('source' in key for key in read_checkpoint(
            weights)['state_dict'])
        rcg = RCGInferencer(str(CONFIGS / 'digits' / f'{name}.py'),
                            str(digits_root / name), 'cpu')
        first, second = (rcg.sample(4, output='tensor') for _ in range(2))
        assert first.shape == (4, 3, 16, 16) and first.isfinite().all()
        assert torch.equal(first, second)


def test_the_rdm_of_the_generator_is_the_one_that_is_trained():
    ours, rdm = (load_config(str(CONFIGS / 'digits' / f'{name}.py')).model
                 for name in ('mixture_rdm_dit', 'mixture_rdm'))
    used = ours.rdm.to_dict()
    used.pop('checkpoint')
    trained = {key: value for key, value in rdm.to_dict().items()
               if key not in ('encoder', 'data_preprocessor')}
    assert used == trained
