import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rcg.evaluation import StructuralSimilarity
from rcg.evaluation.functional import structural_similarity


def images(seed, size=(24, 19), count=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, *size), generator=generator,
                         dtype=torch.uint8)


def similar(x, seed=9):
    noise = images(seed, x.shape[2:], len(x)).int() // 8
    return (x.int() * 3 // 4 + noise).byte()


def by_scipy(x, y):
    """Wang et al. (2004), eq. 13, with the means of scipy's filter."""

    def blur(a):  # a radius of 5 is 3.34 sigma
        return gaussian_filter(a, 1.5, truncate=3.4)[5:-5, 5:-5]

    values = []
    for a, b in zip(x.double().numpy(), y.double().numpy(), strict=True):
        for p, q in zip(a, b, strict=True):
            mp, mq = blur(p), blur(q)
            sp, sq = blur(p * p) - mp**2, blur(q * q) - mq**2
            spq = blur(p * q) - mp * mq
            c1, c2 = (.01 * 255)**2, (.03 * 255)**2
            values.append(np.mean((2 * mp * mq + c1) * (2 * spq + c2) / (
                (mp**2 + mq**2 + c1) * (sp + sq + c2))))
    return np.array(values).reshape(len(x), 3).mean(1)


@pytest.mark.parametrize('size', [(24, 19), (11, 11), (64, 40)])
def test_as_by_scipy_in_float64(size):
    x = images(0, size)
    y = similar(x)
    found = structural_similarity(x, y)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(by_scipy(x, y), rel=1e-9)
    assert .3 < found.min() <= found.max() < .99


def test_of_constant_images_in_closed_form():
    x = torch.full((1, 3, 12, 12), 100, dtype=torch.uint8)
    c1 = 2.55**2
    found = structural_similarity(x, x + 50)
    assert found.item() == pytest.approx(
        (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1), rel=1e-9)


def test_equal_symmetric_and_worse_for_strangers():
    x, y = images(0), images(1)
    assert structural_similarity(x, x).tolist() == pytest.approx([1] * 3)
    assert torch.equal(structural_similarity(x, y),
                       structural_similarity(y, x))
    assert structural_similarity(x, y).abs().max() < .1
    assert structural_similarity(x, 255 - x).max() < -.5


def test_images_smaller_than_the_window():
    with pytest.raises(ValueError, match='11x11 pixels.*have 10x12'):
        structural_similarity(images(0, (10, 12)), images(1, (10, 12)))


def test_ssim_is_the_mean_of_all_images():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randint(0, 256, (2, 5, 3, 12, 12), generator=generator,
                         dtype=torch.uint8)
    metric = StructuralSimilarity()
    for start, end in ((0, 3), (3, 5)):
        metric.process({}, [{'index': i, 'images': x[i], 'originals': y[i]}
                            for i in range(start, end)])
    wanted = structural_similarity(x, y).mean().item()
    assert metric.evaluate(5) == {'reconstruction/ssim': wanted}
