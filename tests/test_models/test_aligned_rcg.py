"""RCG with aligned tokens: what it encodes, trains, saves and caches."""
import copy
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.checkpoint import read_checkpoint
from rcg.engine.frozen_parts import frozen_parts
from rcg.models import RCG, AlignedRCG
from rcg.rng import SampleRng
from tests.test_engine.running import build_runner, scalars
from tests.test_models import tiny

ROOT = Path(__file__).parents[2]
GENERATOR = dict(
    tiny.diffusion(), type='AlignedDiffusionGenerator',
    alignment=dict(feature_dim=8, depth=1, hidden_dim=8),
    network=dict(tiny.diffusion()['network'], input_size=8, in_channels=3))
PARTS = dict(generator=GENERATOR, tokenizer=dict(type='Pixels'),
             encoder=tiny.ENCODER, rdm=tiny.RDM,
             data_preprocessor=tiny.PREPROCESSOR)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(**changes):
    return AlignedRCG(**{**PARTS, 'patch_encoder': tiny.ENCODER, **changes})


def batch(n=4):
    keys = torch.stack([torch.zeros(n, dtype=torch.int64),
                        torch.arange(n)], 1)
    return dict(images=SampleRng(keys).randint(256, 3, 8, 8).byte(),
                keys=keys)


def losses(model, data):
    return model(**model.data_preprocessor(data, True), mode='loss')


def test_patches_are_the_map_of_the_encoder():
    model = build()
    images = model.data_preprocessor(batch())['images']
    encoded = model.encode(images)
    assert set(encoded) == {'codes', 'representations', 'patches'}
    assert encoded['patches'].shape == (4, 8, 2, 2)
    assert torch.equal(encoded['patches'],
                       model.patch_encoder.module.feature_map(images))
    assert not encoded['patches'].requires_grad


def test_the_encoder_of_patches_is_frozen_and_nobodys_business():
    model = build()
    assert list(frozen_parts(model)) == ['tokenizer', 'encoder', 'rdm',
                                         'patch_encoder']
    assert all(key.startswith('generator.') for key in model.state_dict())
    assert not any(p.requires_grad
                   for p in model.patch_encoder.module.parameters())
    model.train()
    before = copy.deepcopy(model.patch_encoder.module.state_dict())
    found = losses(model, batch())
    sum(found.values()).backward()
    after = model.patch_encoder.module.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert copy.deepcopy(model).patch_encoder is model.patch_encoder
    assert set(found) == {'loss_diffusion', 'loss_variance',
                          'loss_alignment'}
    assert model.generator.network.blocks[0].attn.qkv.weight.grad is not None


def test_cached_patches_give_the_same_loss():
    model, data = build(), batch()
    live = losses(model, data)
    encoded = model.encode(model.data_preprocessor(dict(data))['images'])
    cached = losses(model, {'keys': data['keys'], **encoded})
    assert all(torch.equal(cached[name], live[name]) for name in live)
    del encoded['patches']
    with pytest.raises(ValueError, match="CacheFeaturesHook need 'patches'"):
        losses(model, {'keys': data['keys'], **encoded})


def test_the_other_losses_are_those_of_rcg():
    plain = dict(GENERATOR, type='DiffusionGenerator')
    del plain['alignment']
    model, other = build(), RCG(**{**PARTS, 'generator': plain})
    for part in ('encoder', 'rdm'):
        getattr(other, part).module.load_state_dict(
            getattr(model, part).module.state_dict())
    model.generator.load_state_dict(other.generator.state_dict(),
                                    strict=False)
    wanted, got = losses(other, batch()), losses(model, batch())
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


def test_it_samples_without_the_encoder_of_patches():
    model = build(patch_encoder=None).eval()
    data = {k: v for k, v in batch().items() if k != 'images'}
    drawn = model.test_step(dict(data, indices=torch.arange(4)))
    assert drawn[0]['images'].shape == (3, 8, 8)
    with pytest.raises(ValueError, match='must give model.patch_encoder'):
        losses(model, batch())


def test_a_generator_without_alignment_is_refused():
    with pytest.raises(ValueError, match="'AlignedDiffusionGenerator', or"):
        build(generator=tiny.generator())


def digits(folder, *hooks):
    """A Runner of two steps of the digits' config, with random parts."""
    torch.manual_seed(0)
    untrained = {f'model.{part}.checkpoint': None for part in (
        'encoder', 'rdm', 'tokenizer', 'patch_encoder')}
    return build_runner(
        folder, str(ROOT / 'configs/digits/dit_repa.py'), **untrained,
        train_cfg__max_samples=2 * 16, train_dataloader__batch_size=16,
        custom_hooks=[dict(type='TrainableEMAHook', decay=.9), *hooks],
        randomness__seed=0)


def test_a_run_saves_no_encoder_and_may_read_stored_patches(tmp_path):
    runner = digits(tmp_path / 'live')
    encoder = runner.model.patch_encoder.module
    before = copy.deepcopy(encoder.state_dict())
    runner.train()
    assert all(torch.equal(value, before[key])
               for key, value in encoder.state_dict().items())
    path, = (tmp_path / 'live').glob('*.pth')
    saved = read_checkpoint(str(path))
    for key in ('state_dict', 'ema_state_dict'):
        assert any('alignment.projector' in name for name in saved[key])
        assert not any('encoder' in name for name in saved[key])
    stored = digits(tmp_path / 'stored', dict(
        type='CacheFeaturesHook', cache_dir=str(tmp_path / 'features')))
    stored.train()
    assert 'patches' in stored.train_dataloader.dataset[0]
    live, cached = (scalars(tmp_path / name, 'loss_alignment')
                    for name in ('live', 'stored'))
    assert live.keys() == cached.keys() == {2}
    assert list(cached.values()) == pytest.approx(list(live.values()),
                                                  rel=1e-4)
