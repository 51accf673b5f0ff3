"""The samplers that are compared, and the table of their scores."""
from types import SimpleNamespace

import pytest

from rcg.apis.sampler_comparison import (
    owner_of_sampler,
    sampler_configs,
    samplers_of,
    table,
)
from rcg.diffusion import (
    EulerSampler,
    FlowMatching,
    GaussianDiffusion,
    LinearPath,
    Prediction,
)
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

TABLE, FLOW = GaussianDiffusion('x0').schedule, LinearPath()


@pytest.mark.parametrize('schedule', [TABLE, FLOW], ids=['table', 'flow'])
@pytest.mark.parametrize('calls', [1, 2, 3, 5, 10, 20])
def test_as_many_calls_as_told(schedule, calls):
    """But Heun's method, which takes one less of an even number."""
    for title, cfg in sampler_configs(calls, schedule).items():
        seen = []

        def denoise(x, time, seen=seen):
            seen.append(time)
            return Prediction(x * .5)

        rng = SampleRng.from_seed(0, range(1))
        TASK_UTILS.build(cfg)(denoise, rng.normal(1), rng, schedule)
        less = title.startswith('Heun') and calls % 2 == 0
        assert len(seen) == calls - less, title


def test_which_samplers_fit():
    assert list(sampler_configs(5, FLOW)) == [
        'SDE', 'Euler', 'DPM-Solver++(2M)', 'DPM-Solver++(2M), log SNR',
        'Heun', 'Heun in t']
    assert list(sampler_configs(1, TABLE)) == [
        'DDPM', 'DDIM, eta 1', 'DDIM, eta 0', 'Heun in t']
    shifted = sampler_configs(5, FLOW, 3.)
    assert shifted['Euler']['shift'] == shifted['SDE']['shift'] == 3.


def test_samplers_of_a_generator():
    """All with its shift; those alone that a source allows."""
    model = SimpleNamespace(diffusion=FlowMatching(), source=None,
                            sampler=EulerSampler(5, shift=2.))
    found = samplers_of(model, 4)
    assert found.keys() == sampler_configs(4, FLOW).keys()
    assert found['Heun in t'].timesteps(FLOW) == pytest.approx([2 / 3, 1.])
    model.source = object()
    assert found.keys() - samplers_of(model, 4).keys() == {'SDE'}


def test_the_table_has_a_row_for_each_sampler():
    rows = [dict(sampler=name, calls=calls, metrics={'fd': calls / 10})
            for calls in (1, 20) for name in sampler_configs(calls, TABLE)]
    lines = table(rows, 'fd').splitlines()
    assert lines[0] == '| fd at calls | 1 | 20 |'
    assert lines[2] == '| DDPM | 0.100 | 2.000 |'
    assert '| Heun |  | 2.000 |' in lines  # it takes three calls at least
    assert len(lines) == 2 + len(sampler_configs(20, TABLE))
    assert table(rows) == table(rows, 'fd')


def test_a_model_without_sampler():
    with pytest.raises(ValueError, match='no sampler to compare'):
        owner_of_sampler(object())
