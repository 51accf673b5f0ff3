"""MAGE against numbers of the published code, and its own contract."""
import pytest
import torch

from rcg.models.generators.mage import MAGE
from rcg.rng import SampleRng
from tests.reference import assert_reproduced


@pytest.mark.parametrize('name', ['mage_rep', 'mage_classcond',
                                  'mage_uncond'])
def test_published_numbers(name):
    assert_reproduced(name)


def tiny(condition=None, **settings):
    torch.manual_seed(0)
    half = dict(dim=16, depth=1, num_heads=2)
    return MAGE(dict(type='MAGEViT', num_codes=8, num_tokens=4, encoder=half,
                     decoder=half, condition=condition, drop=0.,
                     class_tokens=(1, 0),
                     embedding=dict(tied_head=False, std=1.)),
                num_steps=3, **settings).eval()


def test_a_sample_depends_on_its_stream_alone():
    model = tiny()
    whole = model.sample(None, SampleRng.from_seed(0, range(9)))
    assert whole.shape == (9, 4)
    assert whole.min() >= 0
    assert whole.max() < 8
    some = model.sample(None, SampleRng.from_seed(0, [7, 2]))
    assert torch.equal(some, whole[[7, 2]])


def test_guidance_at_one_is_no_guidance():
    condition = dict(type='RepresentationCondition', rep_dim=5)
    model = tiny(condition)
    rep = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))

    def logits(scale):
        model.guidance_scale = scale
        return next(model.steps(rep, SampleRng.from_seed(0, range(6)))).logits

    plain = logits(1)
    torch.testing.assert_close(logits(1 + 1e-9), plain)
    assert not torch.allclose(logits(5.), plain)


def test_labels_need_a_null_label_for_guidance():
    model = tiny(dict(type='LabelCondition', num_classes=3),
                 guidance_scale=2.)
    labels = torch.tensor([0, 2])
    with pytest.raises(ValueError, match='null label'):
        model.sample(labels, SampleRng.from_seed(0, range(2)))
    model = tiny(dict(type='LabelCondition', num_classes=3, drop_prob=.1),
                 guidance_scale=2.)
    assert model.sample(labels, SampleRng.from_seed(0, range(2))).shape == (
        2, 4)


def test_loss_of_an_image_does_not_depend_on_its_batch():
    model = tiny()
    ids = torch.arange(24).view(6, 4) % 8
    whole = model.loss(ids, None, SampleRng.from_seed(1, range(6)))
    halves = [model.loss(ids[rows], None, SampleRng.from_seed(1, rows))
              for rows in ([0, 2, 4], [1, 3, 5])]
    mean = sum(half['loss_tokens'] for half in halves) / 2
    torch.testing.assert_close(whole['loss_tokens'], mean)


def test_bad_settings():
    with pytest.raises(ValueError, match='num_steps'):
        tiny(temperature=-1.)
    with pytest.raises(ValueError, match='low'):
        tiny(mask_ratio=dict(low=.9, high=.5))


def test_codes_of_another_image_size():
    with pytest.raises(ValueError, match=r'4 tokens an image, got \(9,\)'):
        tiny().loss(torch.zeros(2, 9, dtype=torch.int64), None,
                    SampleRng.from_seed(0, range(2)))


def test_estimates_end_in_the_sample():
    model = tiny()
    streams = range(5)
    *before, last = model.estimates(None, SampleRng.from_seed(0, streams))
    assert [e.step for e in (*before, last)] == [1, 2, 3]
    assert {e.num_steps for e in (*before, last)} == {3}
    drawn = model.sample(None, SampleRng.from_seed(0, streams))
    assert torch.equal(last.codes, drawn)
    assert last.hidden is None
    shares = [e.hidden.float().mean().item() for e in before]
    assert 0 < shares[1] < shares[0] < 1  # fewer and fewer tokens
    assert (before[0].codes < 8).all()  # no mask tokens: it can be decoded
    # A token that is shown stays.
    shown = ~before[0].hidden
    assert torch.equal(before[0].codes[shown], drawn[shown])
