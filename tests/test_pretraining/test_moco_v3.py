import copy
import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch import nn

from rcg.pretraining.moco_v3 import MoCoV3, contrast, info_nce, spread
from rcg.rng import SampleRng

ENCODER = dict(type='ConvEncoder', widths=(4, 6), strides=(2, 1),
               projector_hidden_dim=10, projector_dim=5)
VIEW = [dict(type='GaussianNoise', std=(0., .2))]


def build(**kwargs):
    torch.manual_seed(0)
    return MoCoV3(**dict(encoder=ENCODER, views=[VIEW, VIEW], max_iters=10,
                         predictor_hidden_dim=10) | kwargs)


def batch(num=6, first=0):
    images = torch.rand(16, 3, 8, 8, generator=torch.manual_seed(1)) * 2 - 1
    rng = SampleRng.from_seed(0, range(first, first + num))
    return images[first:first + num], rng


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def test_info_nce_in_closed_form():
    # Orthogonal keys: the right logit is 1 / t, the others are 0.
    queries = 3 * torch.eye(4)
    t = .2
    logits = contrast(queries, 7 * torch.eye(4), t)
    torch.testing.assert_close(logits, torch.eye(4) / t)
    loss = info_nce(logits, torch.arange(4), t)
    wanted = 2 * t * math.log(1 + 3 * math.exp(-1 / t))
    assert loss == pytest.approx(wanted, rel=1e-5)


def test_similarities_are_exact_under_autocast():
    queries, keys = torch.randn(2, 6, 32, generator=torch.manual_seed(0))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        logits = contrast(queries, keys, .2)
    assert torch.equal(logits, contrast(queries, keys, .2))


def test_loss_is_symmetrized_over_views():
    model = build().eval()  # no momentum update, no batch statistics
    images, rng = batch()
    losses = model(images, mode='loss', rng=rng)
    again = SampleRng(rng.keys)
    first, second = (view(images, again) for view in model.views)
    terms = []
    for a, b in ((first, second), (second, first)):
        query = F.normalize(model.predictor(model.encoder.project(a)))
        key = F.normalize(model.momentum_encoder.project(b))
        terms.append(2 * .2 * F.cross_entropy(query @ key.T / .2,
                                              torch.arange(6)))
    torch.testing.assert_close(losses['loss_contrastive'], sum(terms))
    assert not torch.equal(first, second)


def test_gradients_reach_all_that_is_trained_and_nothing_else():
    model = build()
    images, rng = batch()
    total(model(images, mode='loss', rng=rng)).backward()
    for name, parameter in model.named_parameters():
        trained = not name.startswith('momentum_encoder.')
        assert parameter.requires_grad == trained
        assert (parameter.grad is not None
                and bool(parameter.grad.any())) == trained, name


def test_momentum_update():
    model = build()
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(1)
    before = copy.deepcopy(model.momentum_encoder.state_dict())
    images, rng = batch()
    model(images, mode='loss', rng=rng)
    queries = dict(model.encoder.named_parameters())
    for name, key in model.momentum_encoder.named_parameters():
        wanted = .99 * before[name] + .01 * queries[name].detach()
        torch.testing.assert_close(key.detach(), wanted)
    # Statistics of its own, from its own forward passes.
    name = 'backbone.1.running_mean'
    assert not torch.equal(model.momentum_encoder.state_dict()[name],
                           before[name])


def test_momentum_follows_a_cosine_to_one():
    model = build(momentum=.9, max_iters=4)
    images, rng = batch()
    found = [model(images, mode='loss', rng=rng)['key_momentum'].item()
             for _ in range(6)]
    wanted = [1 - .1 * (1 + math.cos(math.pi * min(i, 4) / 4)) / 2
              for i in range(6)]
    assert found == pytest.approx(wanted)
    assert model.iteration == 6


def test_momentum_follows_the_length_of_the_run(monkeypatch):
    hub = MessageHub('run')
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    images, rng = batch()
    model = build(momentum=.9, max_iters=None)
    with pytest.raises(ValueError, match='needs max_iters'):
        model(images, mode='loss', rng=rng)
    hub.update_info('max_iters', 4)
    found = [model(images, mode='loss', rng=rng)['key_momentum'].item()
             for _ in range(3)]
    assert found == pytest.approx([.9, .9 + .1 * (1 - math.sqrt(.5)) / 2, .95])


def test_evaluation_changes_nothing():
    model = build().eval()
    before = copy.deepcopy(model.state_dict())
    images, rng = batch()
    model(images, mode='loss', rng=rng)
    model(images, mode='predict', indices=torch.arange(6))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def train(model, steps, first=0):
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=.1)
    for step in range(first, first + steps):
        images, _ = batch()
        rng = SampleRng.from_seed(0, range(6 * step, 6 * step + 6))
        optimizer.zero_grad()
        total(model(images, mode='loss', rng=rng)).backward()
        optimizer.step()
    return model.state_dict()


def test_resumed_equals_uninterrupted():
    whole = train(build(), 4)
    resumed = build()
    resumed.load_state_dict(copy.deepcopy(train(build(), 2)))
    for name, value in train(resumed, 2, first=2).items():
        assert torch.equal(value, whole[name]), name
    assert any(name.startswith('momentum_encoder.') for name in whole)


def test_collapse_shows():
    spherical = torch.randn(500, 32, generator=torch.manual_seed(0))
    assert spread(spherical) == pytest.approx(1, abs=.02)
    assert spread(torch.ones(500, 32)) == pytest.approx(0, abs=1e-6)
    model = build()
    images, rng = batch()
    monitors = model(images, mode='loss', rng=rng)
    assert monitors['feature_std'] > .3
    nn.init.zeros_(model.encoder.head[6].weight)  # all outputs alike
    collapsed = model(images, mode='loss', rng=rng)
    assert collapsed['feature_std'] < 1e-3


def test_only_the_objective_is_called_a_loss():
    images, rng = batch()
    values = build()(images, mode='loss', rng=rng)
    assert [k for k in values if 'loss' in k] == ['loss_contrastive']
    assert all(v.ndim == 0 and v.isfinite() for v in values.values())
    assert -1 <= values['positive_similarity'] <= 1
    assert 0 <= values['top1'] <= 1


def test_it_learns_to_tell_images_apart():
    model = build(encoder=ENCODER | dict(widths=(8, 16)))
    images, rng = batch(16)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=3e-3)
    history = []
    for _ in range(40):
        losses = model(images, mode='loss', rng=rng)
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
        history.append(losses['loss_contrastive'].item())
    assert sum(history[-5:]) < .6 * sum(history[:5])


def test_predictions():
    model = build().eval()
    images, _ = batch(3)
    found = model(images, mode='predict', indices=torch.tensor([4, 5, 6]),
                  labels=torch.tensor([0, 2, 1]))
    assert [x['index'] for x in found] == [4, 5, 6]
    assert [x['labels'] for x in found] == [0, 2, 1]
    torch.testing.assert_close(
        torch.stack([x['representations'] for x in found]), model(images))
    unlabeled = model(images, mode='predict', indices=torch.arange(3))
    assert set(unlabeled[0]) == {'representations', 'index'}


def test_vit_with_frozen_patch_embedding_trains():
    model = build(encoder=dict(
        type='MoCoV3ViT', img_size=8, projector_hidden_dim=10,
        projector_dim=5,
        vit=dict(patch_size=4, embed_dim=12, depth=1, num_heads=3)))
    before = copy.deepcopy(model.state_dict())
    after = train(model, 2)
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    frozen = [n for n in before if 'patch_embed' in n or 'pos_embed' in n]
    assert not changed & set(frozen)
    assert {n for n, p in model.named_parameters()
            if n not in frozen} <= changed


def test_refuses_one_view():
    with pytest.raises(ValueError, match='two lists of transforms, got 1'):
        build(views=[VIEW])
