"""Masks; the parity case ``schedules`` has the published numbers."""
import math

import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from rcg.models.generators.masking import (
    MaskRatioDistribution,
    hide_least_confident,
    mask_least_confident,
    num_still_masked,
    random_masks,
)
from rcg.rng import SampleRng


@pytest.mark.parametrize(('mean', 'std', 'low', 'high'), [
    (.55, .25, .5, 1.), (.9, .1, .3, .95), (.3, .2, .5, 1.)])
def test_mask_ratio_distribution(mean, std, low, high):
    u = (torch.arange(1000).double() + .5) / 1000
    a, b = (low - mean) / std, (high - mean) / std
    np.testing.assert_allclose(
        MaskRatioDistribution(mean, std, low, high).quantile(u),
        truncnorm(a, b, mean, std).ppf(u.numpy()), rtol=1e-12)


def test_images_of_a_batch_may_share_the_ratio():
    own, shared = (
        MaskRatioDistribution(per=per).sample(
            SampleRng.from_seed(0, range(4))) for per in ('image', 'batch'))
    assert len(own.unique()) == 4
    assert torch.equal(shared, own[:1].expand(4))
    with pytest.raises(ValueError, match="'image' or 'batch'"):
        MaskRatioDistribution(per='epoch')


def test_number_of_masked_tokens():
    assert num_still_masked(3, 6, 256, 256) == 128  # cos 60 degrees
    assert num_still_masked(3, 6, 256, 100) == 99  # fewer than before
    assert num_still_masked(5, 6, 256, 60) == 1  # one stays at the end
    # 26 / 39 first, as published; pi / 2 * 26 first would give 127.
    assert num_still_masked(25, 39, 256, 256) == 128


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


def test_the_least_confident_of_those_unknown_are_hidden():
    logits = torch.tensor([[[2., 0], [0, 9], [0, 1], [0, 0]]]).repeat(2, 1, 1)
    sampled = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])
    unknown = torch.tensor([[1, 1, 1, 0], [0, 1, 1, 1]]).bool()
    rng = SampleRng.from_seed(0, range(2))
    confidence, hide = hide_least_confident(logits, sampled, unknown, 2, 0.,
                                            rng)
    assert rng.num_draws == 0  # no noise, no random numbers
    assert hide.tolist() == [[False, True, True, False],
                             [False, False, True, True]]
    wanted = logits.log_softmax(-1)[0, 1, 0]
    assert confidence[0, 1] == wanted and confidence[0, 3] == math.inf
    noisy, _ = hide_least_confident(logits, sampled, unknown, 2, 1., rng)
    assert rng.num_draws == 1 and noisy[0, 1] != wanted
