"""Which settings a sweep goes through."""
from types import SimpleNamespace

import pytest

from rcg.apis.sweep import settings
from rcg.diffusion import DDIMSampler, GaussianDiffusion
from rcg.models.diffusers import StoredRepresentations

GENERATOR = SimpleNamespace(condition_kind='representation',
                            guidance_scale=2., temperature=1.5, num_steps=12)
MAGE = SimpleNamespace(generator=GENERATOR)


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


def with_rdm():
    """A model with it."""
    return SimpleNamespace(generator=GENERATOR, rdm=SimpleNamespace(
        sampler=DDIMSampler(num_steps=250), diffusion=GaussianDiffusion('x0')))


def test_steps_of_the_rdm_are_the_slowest_to_change():
    """One after the other: each number has representations of its own."""
    found = settings.combinations(
        with_rdm(), dict(guidance_scale=[1., 3.], rdm_steps=[20, 50]))
    assert [(row['rdm_steps'], row['guidance_scale']) for row in found] == [
        (20, 1.), (20, 3.), (50, 1.), (50, 3.)]
    assert 'rdm_steps' not in settings.combinations(
        MAGE, dict(guidance_scale=[1.], rdm_steps=None))[0]
    with pytest.raises(ValueError, match='no RDM, so --rdm-steps'):
        settings.combinations(MAGE, dict(rdm_steps=[20]))
    stored = SimpleNamespace(generator=MAGE.generator,
                             rdm=StoredRepresentations(2, 3))
    with pytest.raises(ValueError, match='no RDM, so --rdm-steps'):
        settings.combinations(stored, dict(rdm_steps=[20]))
    with pytest.raises(ValueError, match='2000'):
        settings.combinations(with_rdm(), dict(rdm_steps=[20, 2000]))


@pytest.mark.parametrize(('change', 'wanted', 'text'), [
    ({}, {}, 'nothing to sweep'),
    ({}, {'eta': [1]}, 'has no eta'),
    ({'condition_kind': None}, {'guidance_scale': [1, 2]}, 'no condition'),
])
def test_what_cannot_be_swept(change, wanted, text):
    generator = SimpleNamespace(**{**vars(GENERATOR), **change})
    with pytest.raises(ValueError, match=text):
        settings.combinations(SimpleNamespace(generator=generator), wanted)
