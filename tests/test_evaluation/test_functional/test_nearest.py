import numpy as np
import pytest
import torch

from rcg.evaluation import nearest_train, shared_extractor
from rcg.evaluation.functional.neighbors import k_nearest, near_threshold
from rcg.registry import METRICS
from tests.test_evaluation.test_metrics.test_metrics import (
    EXTRACTOR,
    IMAGES,
    OTHERS,
    evaluate,
)
from tests.test_evaluation.toy import ToyImages, output_of, run_processes


def test_by_hand():
    train = torch.tensor([[0.], [100.]])
    held_out = torch.arange(1., 41).view(-1, 1)  # distances 1 to 40
    fake = torch.tensor([[.5], [2.], [99.], [60.]])  # .5, 2, 1, 40
    # 5 % of 40 are two: the border lies between distances 2 and 3.
    share, ratio, pairs = nearest_train(train, held_out, fake)
    assert pairs.tolist() == [[0, 0], [2, 1], [1, 0], [3, 1]]
    assert share == .75
    assert ratio == pytest.approx((43.5 / 4) / 20.5)


def test_copies_are_seen():
    train, held_out = torch.randn(200, 4), torch.randn(100, 4)
    share, ratio, _ = nearest_train(train, held_out, train[:50] + 1e-3)
    assert share == 1
    assert ratio < .01


def test_new_samples_look_like_held_out_ones():
    torch.manual_seed(0)
    train, held_out, fake = torch.randn(3, 2000, 4)
    share, ratio, _ = nearest_train(train, held_out, fake)
    assert share == pytest.approx(.05, abs=.02)
    assert ratio == pytest.approx(1, abs=.05)


def test_held_out_images_must_be_others():
    train = torch.randn(10, 2)
    with pytest.raises(ValueError, match='two different splits'):
        nearest_train(train, train[:5], train)


PAIRS = {'type': 'NearestTrain', 'extractor': EXTRACTOR, 'train': IMAGES,
         'held_out': OTHERS, 'num_pairs': 3}


def draw():
    metric = METRICS.build(PAIRS)
    evaluate(40, 16, [metric])
    return metric.picture


def test_picture_of_the_closest_pairs(tmp_path):
    picture = draw()
    for again in run_processes(3, tmp_path, draw):
        assert torch.equal(picture, again)
    extractor = shared_extractor(EXTRACTOR)
    fake = torch.stack([output_of(i)['images'] for i in range(40)])
    real, others = ToyImages().images, ToyImages(70, 1).images
    pairs = nearest_train(*(extractor(x)['features']
                            for x in (real, others, fake)))[2]
    assert picture.shape == (3, 8 + 4, 3 * (16 + 2) + 2)  # of make_grid
    for column, (sample, place) in enumerate(pairs[:3].tolist()):
        shown = picture[:, 2:10, 2 + column * 18:18 + column * 18]
        assert torch.equal(shown[..., :8], fake[sample])
        assert torch.equal(shown[..., 8:], real[place])


def test_the_picture_changes_no_score():
    plain = {k: v for k, v in PAIRS.items() if k != 'num_pairs'}
    assert evaluate(40, 16, [PAIRS]) == evaluate(40, 16, [plain])


def test_large_images_are_shown_small():
    metric = METRICS.build(PAIRS)
    big = torch.zeros(3, 201, 300, dtype=torch.uint8)
    assert metric.rows([{'images': big}]).shape == (1, 7 + 3 * 96 * 96 // 4)


def test_statistics_have_no_images_to_show(tmp_path):
    np.savez(tmp_path / 'train.npz', features=np.zeros((9, 7), np.float32))
    with pytest.raises(ValueError, match='give a dataset or folder'):
        METRICS.build(dict(PAIRS, train=str(tmp_path / 'train.npz')))


def test_the_k_nearest_and_when_they_are_near():
    others = torch.tensor([[0.], [10.], [3.], [4.]])
    distances, places = k_nearest(torch.tensor([[1.], [9.]]), others, 2)
    assert places.tolist() == [[0, 2], [1, 3]]
    assert distances.tolist() == [[1, 2], [1, 5]]
    with pytest.raises(ValueError, match='k must be from 1 to 4'):
        k_nearest(others, others, 5)
    held_out = torch.tensor([[1.], [12.], [7.]])  # 1, 2 and 3 away
    assert near_threshold(others, held_out, .5) == 2
