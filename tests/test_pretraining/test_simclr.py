import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rcg.pretraining.simclr import SimCLR, contrast_views
from rcg.rng import SampleRng

from .test_moco_v3 import ENCODER, VIEW, batch, total, train


def build(**kwargs):
    torch.manual_seed(0)
    return SimCLR(**dict(encoder=ENCODER, views=[VIEW, VIEW]) | kwargs)


def nt_xent(features, temperature):
    """Equation 1 and algorithm 1 of the paper, term by term."""
    z = [row for image in features for row in image]
    terms = []
    for i in range(len(z)):
        similar = [F.cosine_similarity(z[i], z[k], dim=0) / temperature
                   for k in range(len(z))]
        others = sum(s.exp() for k, s in enumerate(similar) if k != i)
        partner = i + 1 if i % 2 == 0 else i - 1
        terms.append(-(similar[partner].exp() / others).log())
    return sum(terms) / len(terms)


@pytest.mark.parametrize('t', [.1, .5])
def test_loss_in_closed_form(t):
    # Both views of an image agree, images are orthogonal: one logit is 1 / t,
    # 2 (N - 1) are 0, the view itself does not count.
    features = 3 * torch.eye(4)[:, None].expand(4, 2, 4)
    logits, labels = contrast_views(features, t)
    assert logits.shape == (8, 8)
    assert labels.tolist() == [1, 0, 3, 2, 5, 4, 7, 6]
    assert logits.diagonal().tolist() == [-math.inf] * 8
    loss = F.cross_entropy(logits, labels)
    wanted = math.log(1 + 6 * math.exp(-1 / t))
    assert loss == pytest.approx(wanted, rel=1e-3)


def test_loss_and_gradient_are_those_of_the_equation():
    features = torch.randn(5, 2, 3, generator=torch.manual_seed(0))
    ours, theirs = features.clone(), features.clone()
    logits, labels = contrast_views(ours.requires_grad_(), .3)
    loss, wanted = F.cross_entropy(logits, labels), nt_xent(
        theirs.requires_grad_(), .3)
    torch.testing.assert_close(loss, wanted)
    loss.backward()
    wanted.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_similarities_are_exact_under_autocast():
    features = torch.randn(6, 2, 32, generator=torch.manual_seed(0))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        logits, _ = contrast_views(features, .2)
    assert torch.equal(logits, contrast_views(features, .2)[0])


def test_loss_of_a_batch_is_that_of_its_views():
    model = build(temperature=.3)
    images, rng = batch()
    values = model(images, mode='loss', rng=rng)
    again = SampleRng(rng.keys)
    first, second = (view(images, again) for view in model.views)
    assert not torch.equal(first, second)
    # Batch norm sees both views together.
    features = model.encoder.project(torch.cat([first, second]))
    features = torch.stack([features[:6], features[6:]], 1)
    torch.testing.assert_close(values['loss_contrastive'],
                               nt_xent(features, .3))
    assert [k for k in values if 'loss' in k] == ['loss_contrastive']
    assert all(v.ndim == 0 and v.isfinite() for v in values.values())
    wanted = F.cosine_similarity(features[:, 0], features[:, 1]).mean()
    torch.testing.assert_close(values['positive_similarity'], wanted)


def test_gradients_reach_all_parameters():
    model = build()
    images, rng = batch()
    total(model(images, mode='loss', rng=rng)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.any(), name


def test_resumed_equals_uninterrupted():
    whole = train(build(), 4)
    resumed = build()
    resumed.load_state_dict(copy.deepcopy(train(build(), 2)))
    for name, value in train(resumed, 2, first=2).items():
        assert torch.equal(value, whole[name]), name
    assert all(name.startswith('encoder.') for name in whole)


def test_collapse_shows():
    model = build()
    images, rng = batch()
    assert model(images, mode='loss', rng=rng)['feature_std'] > .3
    nn.init.zeros_(model.encoder.head[6].weight)  # all outputs alike
    assert model(images, mode='loss', rng=rng)['feature_std'] < 1e-3


def test_it_learns_to_tell_images_apart():
    model = build(encoder=ENCODER | dict(widths=(8, 16)))
    images, rng = batch(16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    values = []
    for _ in range(40):
        values.append(model(images, mode='loss', rng=rng))
        optimizer.zero_grad()
        total(values[-1]).backward()
        optimizer.step()
    assert values[-1]['loss_contrastive'] < .8 * values[0]['loss_contrastive']
    assert values[-1]['top1'] > max(.8, values[0]['top1'])


def test_predictions():
    model = build().eval()
    images, _ = batch(3)
    found = model(images, mode='predict', indices=torch.tensor([4, 5, 6]))
    assert [x['index'] for x in found] == [4, 5, 6]
    torch.testing.assert_close(
        torch.stack([x['representations'] for x in found]), model(images))


def test_refuses_views():
    with pytest.raises(ValueError, match='two lists of transforms, got 1'):
        build(views=[VIEW])
    crop = dict(type='RandomResizedCrop', size=4)
    model = build(views=[VIEW, [crop]])
    images, rng = batch()
    with pytest.raises(ValueError, match=r'one size, got \(8, 8\) and \(4, 4'):
        model(images, mode='loss', rng=rng)
