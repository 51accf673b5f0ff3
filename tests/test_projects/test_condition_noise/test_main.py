"""The options of the measurement, and runs with tools of paper."""
import json
import sys

import pytest

from rcg.apis import run_command
from rcg.projects.condition_noise import __main__ as measurement
from rcg.projects.condition_noise import report
from rcg.projects.quickstart.report import SCORES
from tests.test_docs.test_pages import arguments_of_pages

# A tool that notes its call and, if it scores, writes metrics.
TOOL = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ['RCG_ROOT'])
with open(root.parent / 'calls.txt', 'a') as file:
    print(pathlib.Path(sys.argv[0]).stem, *sys.argv[1:], file=file)
if '--out' in sys.argv:
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(dict.fromkeys(SCORES, 1)))
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Runs it with these arguments; returns results and what it called."""
    tools = tmp_path / 'home' / 'tools'
    tools.mkdir(parents=True)
    for name in ('train', 'test'):
        (tools / f'{name}.py').write_text(TOOL.replace(
            'SCORES', repr(list(SCORES.values()))))
    monkeypatch.setattr(run_command, 'home', lambda: tmp_path / 'home')
    monkeypatch.setattr(report, 'predictors', lambda run, seed: dict.fromkeys(
        report._PREDICTORS, 1.))
    work = tmp_path / 'work'

    def run(*args):
        calls = work / 'calls.txt'
        calls.unlink(missing_ok=True)
        monkeypatch.setattr(sys, 'argv', [
            'condition_noise', '--work-dir', str(work), *args])
        measurement.main()
        return json.loads((work / 'results.json').read_text()), (
            calls.read_text().splitlines() if calls.exists() else [])

    return run


def test_what_was_measured_is_not_measured_again(start):
    args = ['--generators', 'adm', '--steps', '600', '--noise']
    results, calls = start(*args, '0', '--seeds', '1', '--jobs', '1')
    names = [call.split()[1].rpartition('/')[2] for call in calls]
    assert names == ['encoder.py', 'rdm.py', 'classifier.py', 'adm.py',
                     'adm_600_0']
    # More noise and seeds: the parts and the training above stay.
    results, calls = start(*args, '0', '.3', '0', '--seeds', '2')
    assert results['seeds'] == 2
    assert [one['noise'] for one in results['settings']] == [0, .3]
    first = [call for call in calls if 'seed=0' in call]
    assert len(first) == 2
    assert all('adm_600_0.3' in call for call in first)
    assert len(calls) == 2 + 7
    assert start(*args, '0', '.3', '--seeds', '2') == (results, [])


@pytest.mark.parametrize(('args', 'wanted'), [
    (['--noise', '0', '-1'], "of at least 0, got '-1'"),
    (['--noise', 'nan'], "of at least 0, got 'nan'"),
    (['--noise', 'inf'], "of at least 0, got 'inf'"),
    (['--noise', 'some'], "of at least 0, got 'some'"),
    (['--steps', '0'], "of at least 1, got '0'"),
    (['--seeds', '0'], "of at least 1, got '0'"),
    (['--jobs', '1.5'], "of at least 1, got '1.5'"),
    (['--generators', 'gan'], 'wanted some of mage,dit,adm,ldm'),
])
def test_wrong_options_are_refused(args, wanted, capsys):
    with pytest.raises(SystemExit):
        measurement.parse_args(args)
    error = ' '.join(capsys.readouterr().err.split())
    assert wanted in error


def test_defaults():
    args = measurement.parse_args([])
    assert args.generators == ('mage', )
    assert (args.steps, args.noise) == ([600, 2400], [0, .15, .3, .6])
    assert args.seeds == 3


@pytest.mark.pages
@pytest.mark.slow
@pytest.mark.parametrize('args', arguments_of_pages(
    'rcg.projects.condition_noise'), ids=' '.join)
def test_commands_of_pages(start, args):
    results, calls = start(*args)
    assert results['seeds'] == int(args[args.index('--seeds') + 1])
    assert len(calls) > 2 * results['seeds']
