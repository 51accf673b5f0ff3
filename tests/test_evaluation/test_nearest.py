import pytest
import torch

from rcg.evaluation import nearest_train


def test_by_hand():
    train = torch.tensor([[0.], [100.]])
    held_out = torch.arange(1., 41).view(-1, 1)  # distances 1 to 40
    fake = torch.tensor([[.5], [2.], [99.], [60.]])  # .5, 2, 1, 40
    # 5 % of 40 are two: the border lies between distances 2 and 3.
    share, ratio = nearest_train(train, held_out, fake)
    assert share == .75
    assert ratio == pytest.approx((43.5 / 4) / 20.5)


def test_copies_are_seen():
    train, held_out = torch.randn(200, 4), torch.randn(100, 4)
    share, ratio = nearest_train(train, held_out, train[:50] + 1e-3)
    assert share == 1
    assert ratio < .01


def test_new_samples_look_like_held_out_ones():
    torch.manual_seed(0)
    train, held_out, fake = torch.randn(3, 2000, 4)
    share, ratio = nearest_train(train, held_out, fake)
    assert share == pytest.approx(.05, abs=.02)
    assert ratio == pytest.approx(1, abs=.05)


def test_held_out_images_must_be_others():
    train = torch.randn(10, 2)
    with pytest.raises(ValueError, match='two different splits'):
        nearest_train(train, train[:5], train)
