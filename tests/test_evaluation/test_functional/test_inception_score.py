import math

import numpy as np
import pytest
import torch

from rcg.evaluation.functional.inception_score import (
    inception_score,
    split_of_samples,
    split_sums,
)


def test_sure_and_balanced_predictions_score_the_number_of_classes():
    logits = 100 * torch.eye(5).repeat(40, 1)
    mean, std = inception_score(logits, 1)
    assert mean == pytest.approx(5, rel=1e-9)
    assert std == 0


def test_equal_predictions_score_one():
    assert inception_score(torch.randn(1, 7).repeat(50, 1), 5) == (
        pytest.approx((1, 0), abs=1e-9))


def test_closed_form_of_two_kinds():
    # Half say (p, 1 - p), half (1 - p, p): log IS = log 2 - entropy(p).
    p = .8
    logits = torch.tensor([[p, 1 - p], [1 - p, p]]).log().repeat(30, 1)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    mean, _ = inception_score(logits, 1)
    assert mean == pytest.approx(2 * math.exp(-entropy), rel=1e-6)


def test_samples_sorted_by_class_do_not_score_lower():
    logits = 100 * torch.eye(10)
    in_turn = inception_score(logits.repeat(100, 1), 10)[0]
    by_class = inception_score(logits.repeat_interleave(100, 0), 10)[0]
    assert by_class == pytest.approx(in_turn, rel=.02)
    assert by_class > 9


def test_mean_and_spread_of_the_splits():
    logits = torch.randn(100, 4) * 3
    mean, std = inception_score(logits, 4)
    order = np.random.RandomState(2020).permutation(100)
    scores = [inception_score(part, 1)[0]
              for part in logits[order].split(25)]
    assert mean == pytest.approx(sum(scores) / 4, rel=1e-9)
    assert std == pytest.approx(torch.tensor(scores).std(correction=0).item(),
                                rel=1e-4)


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4, 0.], [-1e4, 1e4, 0.]]).repeat(5, 1)
    assert inception_score(logits, 1)[0] == pytest.approx(2)


def test_refuses_what_cannot_be_scored():
    with pytest.raises(ValueError, match='to the 3 samples, got 10'):
        inception_score(torch.zeros(3, 2))
    with pytest.raises(ValueError, match='NaN'):
        inception_score(torch.full((3, 2), math.nan), 1)


@pytest.mark.parametrize('num_splits', [1, 7, 10])
def test_agrees_with_the_definition_and_with_torch_fidelity(num_splits):
    from torch_fidelity import metric_isc as isc
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2003, 60, generator=generator) * 4
    theirs = isc.isc_features_to_metric(logits, num_splits)
    mean, std = inception_score(logits, num_splits)
    # torch-fidelity's function is the definition in float64.
    assert mean == pytest.approx(theirs['inception_score_mean'], rel=1e-9)
    assert std == pytest.approx(theirs['inception_score_std'], rel=1e-7,
                                abs=1e-12)


def test_sums_do_not_depend_on_their_order():
    logits = torch.randn(300, 11) * 5
    splits = split_of_samples(300, 4)
    whole = split_sums(logits, splits, 4)
    order = torch.randperm(300)
    for size in (1, 7, 300):
        parts = [split_sums(logits[i], splits[i], 4)
                 for i in order.split(size)]
        assert torch.equal(sum(parts), whole)
    assert whole[:, -1].tolist() == [75] * 4


def test_classes_far_below_the_resolution_add_nothing():
    """1,000 classes of about 1e-13 each would be a relative 1e-9."""
    logits = torch.randn(400, 1008, dtype=torch.float64) - 30
    logits[:, 0] = 0
    logits[::2, 1] = 1
    exact = logits.log_softmax(1)
    marginal = exact.exp().mean(0)
    wanted = (exact.exp() * (exact - marginal.log())).sum(1).mean().exp()
    assert inception_score(logits, 1)[0] == pytest.approx(wanted.item(),
                                                          rel=1e-8)


def test_too_many_samples_for_the_sums():
    with pytest.raises(ValueError, match='a split has at most 1000000'):
        split_of_samples(1_000_001, 1)
