"""The laws of masks, against scipy and against numbers of the paper's code."""
import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from rcg.models.generators.guidance import guide, linear_scale
from rcg.models.generators.masking import (
    MaskRatioLaw,
    mask_least_confident,
    num_still_masked,
    random_masks,
)
from rcg.rng import SampleRng
from tests.reference import load_case


@pytest.mark.parametrize('name', ['default', 'published'])
def test_mask_ratio_law(name):
    config, _, data = load_case('schedules')
    c = config[f'mask_ratio.{name}']
    law = MaskRatioLaw(c['mu'], c['std'], c['min'], c['max'])
    u = (torch.arange(1000) + .5) / 1000
    ours = law.quantile(u).double()
    theirs = data[f'mask_ratio.{name}.quantiles']
    assert (ours - theirs).abs().max() < 1e-5
    a, b = (.5 - c['mu']) / c['std'], (1 - c['mu']) / c['std']
    scipy = truncnorm(a, b, c['mu'], c['std']).ppf(u.double().numpy())
    np.testing.assert_allclose(ours, scipy, atol=1e-5)


def test_images_of_a_batch_may_share_the_ratio():
    own, shared = (MaskRatioLaw(per=per).draw(SampleRng.from_seed(0, range(4)))
                   for per in ('image', 'batch'))
    assert len(own.unique()) == 4
    assert torch.equal(shared, own[:1].expand(4))
    with pytest.raises(ValueError, match="'image' or 'batch'"):
        MaskRatioLaw(per='epoch')


def test_number_of_masked_tokens():
    _, _, data = load_case('schedules')
    unknown, ours = 10**6, []
    for step in range(16):
        unknown = num_still_masked(step, 16, 256, unknown)
        ours.append(unknown)
    floors = data['mage.floor_256'].long().tolist()
    assert ours[:-1] == floors[:-1]
    assert ours[-1] == 1  # one stays, though the floor is 0


def test_masks_hold_the_right_counts():
    noise = torch.rand(3, 10, generator=torch.Generator().manual_seed(0))
    masked, kept = random_masks(noise, torch.tensor([.5, .71, 1.]), 5)
    assert masked.sum(1).tolist() == [5, 8, 10]
    assert kept.shape == (3, 5)
    assert (kept.diff() > 0).all()
    hidden = torch.ones(3, 10, dtype=torch.bool).scatter(1, kept, False)
    assert (masked | ~hidden).all()  # what is dropped is masked


def test_ties_do_not_change_the_count():
    hide = mask_least_confident(torch.zeros(2, 6), 4)
    assert hide.sum(1).tolist() == [4, 4]


def test_guidance():
    a, b = torch.tensor([1.]), torch.tensor([3.])
    assert guide(a, b, 1) == a
    assert guide(a, b, 2) == -1
    assert [linear_scale(3, s, 4) for s in range(4)] == [1.5, 2, 2.5, 3]
