"""Schedules in shares of a run."""
import pytest

from rcg.engine.schedule import in_iterations

COSINE = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=.1, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=.1, end=1., by_epoch=False),
]


def test_shares_become_iterations():
    warmup, cosine = in_iterations(COSINE, 500)
    assert (warmup['begin'], warmup['end']) == (0, 50)
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (50, 500, 450)
    assert COSINE[0]['end'] == .1  # not changed


def test_integers_stay():
    one = dict(type='MultiStepLR', milestones=[3], begin=1, end=9)
    assert in_iterations(one, 500) == one
    assert in_iterations({'generator': [one]}, 500) == {'generator': [one]}


def test_a_very_short_run():
    cosine, = in_iterations(COSINE, 12)  # LinearLR would never leave 1e-3
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (1, 12, 11)


def test_a_share_beyond_the_run():
    with pytest.raises(ValueError, match='share of the run'):
        in_iterations(dict(type='LinearLR', end=1.5), 10)
