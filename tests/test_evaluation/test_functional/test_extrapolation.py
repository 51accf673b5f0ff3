import pytest
import torch

from rcg.evaluation.functional.extrapolation import frechet_infinity

DIM = 8


def rows(count, seed, scale=1., shift=0.):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, DIM, generator=generator) * scale + shift


@pytest.mark.parametrize('counts', [(1000, 100), (100, 1000), (300, 300),
                                    (301, 299)])
def test_it_finds_the_distance_of_the_distributions(counts):
    """Whichever set is the small one: the plain distance is far above."""
    found = torch.tensor([
        frechet_infinity(rows(counts[0], 2 * seed, 1.2, .1),
                         rows(counts[1], 2 * seed + 1))
        for seed in range(8)])
    assert found.mean() == pytest.approx(DIM * (.2**2 + .1**2), abs=.12)


def test_equal_distributions_are_at_zero():
    found = torch.tensor([frechet_infinity(rows(800, 2 * seed),
                                           rows(120, 2 * seed + 1))
                          for seed in range(8)])
    assert abs(found.mean()) < .1


@pytest.mark.parametrize('counts', [(1000, 100), (300, 301)])
def test_the_choice_of_splits_matters_little(counts):
    fake, real = rows(counts[0], 0, 1.2, .1), rows(counts[1], 1)
    found = torch.tensor([frechet_infinity(fake, real, seed)
                          for seed in range(10)])
    assert found.std() < .04


def test_real_images_are_split_alike_for_all_models():
    """So chance does not tell two models apart.

    The larger set only repeats the rows of the other.
    """
    real, fake = rows(100, 1), rows(2000, 0)
    gaps = torch.tensor([frechet_infinity(fake.repeat(2, 1), real, seed)
                         - frechet_infinity(fake, real, seed)
                         for seed in range(10)])
    alone = torch.tensor([frechet_infinity(fake, real, seed)
                          for seed in range(10)])
    assert gaps.std() < .5 * alone.std()


def test_it_repeats_and_does_not_touch_global_random_numbers():
    fake, real = rows(300, 0), rows(90, 1)
    before = torch.get_rng_state()
    assert frechet_infinity(fake, real) == frechet_infinity(fake, real)
    assert torch.equal(before, torch.get_rng_state())
    assert frechet_infinity(fake, real, 1) != frechet_infinity(fake, real)


@pytest.mark.parametrize('counts', [(63, 300), (300, 63)])
def test_too_few_rows_are_refused(counts):
    with pytest.raises(ValueError, match='needs at least 64 rows of each set'):
        frechet_infinity(rows(counts[0], 0), rows(counts[1], 1))
