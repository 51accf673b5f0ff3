import math

import numpy as np
import pytest
import torch

from rcg.evaluation import inception_score


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
