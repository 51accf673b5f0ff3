"""Which settings a sweep goes through."""
from types import SimpleNamespace

import pytest

from rcg.apis.sweep import settings

MAGE = SimpleNamespace(condition_kind='representation', guidance_scale=2.,
                       temperature=1.5, num_steps=12)


def test_two_scales_of_guidance():
    assert settings.guidance_scales([0, 1, 6], None) == [1, 2, 7]
    assert settings.guidance_scales(None, [1, 2, 7]) == [1, 2, 7]
    assert settings.guidance_scales(None, None) is None
    with pytest.raises(ValueError, match='off at 0: use --guidance for it'):
        settings.guidance_scales(None, [0., 1.])
    with pytest.raises(ValueError, match='off at 0 and not negative'):
        settings.guidance_scales([-1.], None)


def test_combinations_keep_what_is_not_swept():
    found = settings.combinations(MAGE, dict(
        guidance_scale=[1., 3., 1.], temperature=None, num_steps=[4, 8]))
    assert [tuple(row.values()) for row in found] == [
        (1., 1.5, 4), (1., 1.5, 8), (3., 1.5, 4), (3., 1.5, 8)]


@pytest.mark.parametrize(('change', 'wanted', 'text'), [
    ({}, {}, 'nothing to sweep'),
    ({}, {'eta': [1]}, 'has no eta'),
    ({'condition_kind': None}, {'guidance_scale': [1, 2]}, 'no condition'),
])
def test_what_cannot_be_swept(change, wanted, text):
    generator = SimpleNamespace(**{**vars(MAGE), **change})
    with pytest.raises(ValueError, match=text):
        settings.combinations(generator, wanted)
