"""The table of a comparison."""
import json

import pytest

from rcg.projects.comparison.plan import Plan
from rcg.projects.comparison.report import over_seeds, report


@pytest.fixture
def plan():
    return Plan(['configs/digits/adm_uncond.py',
                 'configs/digits/mage_oracle.py@mage'],
                {}, {'model.generator.sampler.num_steps': ['5', '10']})


@pytest.fixture
def roots(tmp_path, plan):
    """Two seeds; FD is number of steps plus twice the seed."""
    roots = [tmp_path / f'seed_{seed}' for seed in range(2)]
    for seed, root in enumerate(roots):
        root.mkdir()
        (root / 'stages.json').write_text(json.dumps({
            'adm_uncond': dict(seconds=100. + seed, done=True)}))
        for model in plan.models:
            for options in plan.test_options:
                scores = {'held_out/fd': int(options[0][1]) + 2 * seed,
                          'held_out/near_train': .25, 'mine/new': 7.,
                          'protocol': 'words'}
                if model.name == 'mage_oracle':
                    del scores['mine/new']
                (root / f'{plan.score_name(model, options)}.json').write_text(
                    json.dumps(scores))
    return roots


def test_rows_are_means_over_seeds(tmp_path, plan, roots):
    results = report(tmp_path, roots, plan)
    first, *_, last = results['rows']
    assert first['scores']['held_out/fd']['values'] == [5, 7]
    assert first['seconds']['mean'] == 100.5
    assert last['weights'] == 'mage'
    assert last['seconds'] is None
    assert 'protocol' not in first['scores']
    assert json.loads((tmp_path / 'results.json').read_text()) == results
    lines = (tmp_path / 'table.md').read_text().splitlines()
    assert lines[0] == ('| model | options | held-out FD | near train '
                        '| mine/new | training, s |')
    assert lines[2] == ('| adm_uncond | num_steps 5 | 6.000 ± 1.414 | '
                        '25.0% ± 0.0% | 7 ± 0 | 100 ± 1 |')
    assert lines[5] == ('| mage_oracle | num_steps 10 | 11.000 ± 1.414 | '
                        '25.0% ± 0.0% |  |  |')
    assert lines[-1] == '2 seeds, mean ± standard deviation.'


def test_one_seed_has_no_deviation(tmp_path, plan, roots):
    report(tmp_path, roots[:1], plan)
    table = (tmp_path / 'table.md').read_text()
    assert '| adm_uncond | num_steps 5 | 5.000 | 25.0% | 7 | 100 |' in table
    assert '±' not in table


def test_only_numbers_of_all_runs_count():
    found = over_seeds([dict(a=1, b=2, c='x'), dict(a=3, c='y')])
    assert list(found) == ['a']
    assert found['a']['std'] == pytest.approx(2**.5)
