"""The tables of the measurement."""
import json

import pytest

from rcg.projects.condition_noise import report
from rcg.projects.condition_noise.plan import Plan
from rcg.projects.quickstart.report import SCORES


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Two seeds of MAGE with noise 0 and 0.3, which 0.3 improves."""
    monkeypatch.setattr(report, 'predictors', lambda run, seed: dict.fromkeys(
        report._PREDICTORS, .25 + seed / 10))
    plan = Plan(('mage', ), (600, ), (0., .3))
    roots = [tmp_path / f'seed_{seed}' for seed in range(2)]
    for seed, root in enumerate(roots):
        for setting in plan.settings:
            (root / setting.name).mkdir(parents=True)
            for ending, values in plan.sampling('mage').items():
                scores = dict.fromkeys(SCORES.values(), .5)
                # Of temperatures, 4.5 is best by FD to training digits, and
                # .5 by that to held-out ones.
                scores['train/fd'] = abs(values['temperature'] - 4.5)
                scores['held_out/fd'] = (
                    values['temperature'] - setting.noise + seed)
                (root / setting.name / f'metrics{ending}.json').write_text(
                    json.dumps(scores | dict(protocol={})))
    return tmp_path, roots, plan


def test_mean_and_spread_over_seeds(work):
    folder, roots, plan = work
    results = report.report(folder, roots, plan)
    assert json.loads((folder / 'results.json').read_text()) == results
    quiet, noisy = results['settings']
    assert quiet['sampling'] == dict(temperature=4.5)
    assert quiet['scores']['fd'] == dict(
        mean=5., std=pytest.approx(.5**.5), values=[4.5, 5.5])
    assert (noisy['generator'], noisy['steps'], noisy['noise']) == (
        'mage', 600, .3)
    assert noisy['scores']['fd']['mean'] == pytest.approx(4.7)
    assert results['predictors']['excess']['mean'] == pytest.approx(.3)
    assert report.best_noise(results) == {('mage', 600): .3}


def test_table(work):
    folder, roots, plan = work
    report.report(folder, roots, plan)
    lines = (folder / 'table.md').read_text().splitlines()
    assert lines[0].startswith('| generator | steps | noise | temperature | ')
    assert lines[2].startswith(
        '| mage | 600 | 0 | 4.5 | 5.000 ± 0.707 | 0.000 ± 0.000 | 0.50')
    assert lines[2].endswith(' | 50.0% ± 0.0% |')
    assert all(line.count('|') == lines[0].count('|') for line in lines[:4])
    assert '2 seeds, mean ± standard deviation.' in lines[5]
    assert '| mage | 600 | 0.3 |' in lines
    assert '| 0.300 ± 0.071 |' in lines[-1]


def test_one_seed_has_no_spread(work):
    folder, roots, plan = work
    results = report.report(folder, roots[:1], plan)
    assert results['settings'][0]['scores']['fd']['std'] is None
    table = (folder / 'table.md').read_text()
    assert '±' not in table
    assert '1 seed. ' in table


def test_no_noise_wins_a_tie(work):
    folder, roots, plan = work
    results = report.report(folder, roots, plan)
    for one in results['settings']:
        one['scores']['fd']['mean'] = 1.
    assert report.best_noise(results) == {('mage', 600): 0.}
