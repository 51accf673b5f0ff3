"""Settings of one call: they act, and leave nothing behind."""
import pytest
import torch

from rcg.apis import RCGInferencer
from rcg.apis.inference.settings import with_settings
from rcg.engine import load_config


def test_a_call_draws_as_a_model_with_these_settings(rcg):
    generator = rcg.model.generator
    before = rcg.sample(2, output='tensor')
    for settings, changes in (
            (dict(guidance=3), dict(guidance_scale=4)),
            (dict(temperature=9.), dict(temperature=9.)),
            (dict(steps=2), dict(num_steps=2))):
        found = rcg.sample(2, output='tensor', **settings)
        name, value = *changes, *changes.values()
        old = getattr(generator, name)
        setattr(generator, name, value)
        wanted = rcg.sample(2, output='tensor')
        setattr(generator, name, old)
        assert torch.equal(found, wanted)
        assert torch.equal(rcg.sample(2, output='tensor'), before)
        assert not torch.equal(found, before)


def test_an_error_leaves_the_model_as_it_was(rcg):
    before = vars(rcg.model.generator).copy()

    def fail(frame):
        raise KeyError(frame.step)

    with pytest.raises(KeyError, match='1'):
        rcg.sample(1, guidance=2, temperature=0., steps=1, callback=fail)
    assert vars(rcg.model.generator) == before


def test_two_calls_take_turns(rcg):
    plain = rcg.sample(2, output='tensor')
    for frame in rcg.steps(2, guidance=5, output='tensor'):
        assert torch.equal(rcg.sample(2, output='tensor'), plain)
    assert torch.equal(frame.images,
                       rcg.sample(2, guidance=5, output='tensor'))


def test_a_sampler_is_not_shared(digits_root):
    cfg = load_config('configs/digits/dit.py')
    model = RCGInferencer(cfg, digits_root / 'dit', 'cpu').model
    before = model.generator.num_steps
    other = with_settings(model, steps=2)
    assert other.generator.num_steps == 2
    assert model.generator.num_steps == before
    assert other.generator.network is model.generator.network
    with pytest.raises(ValueError, match='no temperature: leave temperature'):
        with_settings(model, temperature=1.)
    assert with_settings(model) is model


@pytest.mark.parametrize(('settings', 'words'), [
    (dict(guidance=-1), 'off at 0 and not negative, got -1'),
    (dict(guidance=float('nan')), 'not negative, got nan'),
    (dict(temperature=-.5), 'not be negative, got -0.5'),
    (dict(steps=0), 'from 1, got 0'),
    (dict(steps=2.5), 'from 1, got 2.5')])
def test_values_out_of_range(rcg, settings, words):
    with pytest.raises(ValueError, match=words):
        rcg.sample(1, **settings)


def test_guidance_of_no_use(digits_root):
    model = RCGInferencer('digits/mage_uncond', device='cpu').model
    with pytest.raises(ValueError, match='guidance cannot change what it'):
        with_settings(model, guidance=1)
    assert with_settings(model, guidance=0).generator.guidance_scale == 1
