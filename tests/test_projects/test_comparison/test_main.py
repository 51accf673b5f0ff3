"""The options of a comparison, and a run with commands of paper."""
import json
import sys

import pytest

from rcg.apis import run_command
from rcg.projects.comparison import __main__ as comparison
from tests.test_docs.test_pages import arguments_of_pages

# A tool that notes its call and, if it scores, writes metrics.
TOOL = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ['RCG_ROOT'])
with open(root.parent / 'calls.txt', 'a') as file:
    print(root.name, *sys.argv[1:], file=file)
if sys.argv[-1].endswith('=broken'):
    sys.exit(1)
if '--out' in sys.argv:
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    out.write_text(json.dumps({'held_out/fd': 1}))
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Runs it with these arguments; returns results and what it called."""
    tools = tmp_path / 'home' / 'tools'
    tools.mkdir(parents=True)
    for name in 'train', 'test', 'store_representations':
        (tools / f'{name}.py').write_text(TOOL)
    monkeypatch.setattr(run_command, 'home', lambda: tmp_path / 'home')
    work = tmp_path / 'work'

    def run(*args):
        calls = work / 'calls.txt'
        calls.unlink(missing_ok=True)
        monkeypatch.setattr(sys, 'argv', [
            'comparison', '--work-dir', str(work), '--jobs', '1', *args])
        comparison.main()
        return json.loads((work / 'results.json').read_text()), (
            calls.read_text().splitlines() if calls.exists() else [])

    return run


def test_what_was_done_is_not_done_again(start):
    config = 'configs/digits/mage_uncond.py'
    results, calls = start(config, '--seeds', '1')
    assert len(calls) == 4  # classifier, tokenizer, model, score
    lr = ['--train', 'optim_wrapper.optimizer.lr', '2e-3']
    results, calls = start(config, *lr, '--seeds', '2')
    assert results['seeds'] == 2
    assert len([call for call in calls if call.startswith('seed_0')]) == 2
    assert len(calls) == 2 + 4
    assert start(config, *lr, '--seeds', '2') == (results, [])


def test_a_stage_that_fails_is_named(start):
    with pytest.raises(SystemExit, match='score_mage_uncond.* failed'):
        start('configs/digits/mage_uncond.py', '--test',
              'model.generator.num_steps', 'broken')


@pytest.mark.parametrize(('args', 'words'), [
    (['x.py', '--seeds', '0'], 'at least 1'),
    (['x.py', '--train', 'a.b'], 'a key and values'),
    (['x.py', '--test', 'a.b=1', '2'], 'a key and values'),
    ([], 'CONFIG'),
])
def test_options_that_are_refused(args, words, capsys):
    with pytest.raises(SystemExit):
        comparison.parse_args(args)
    assert words in capsys.readouterr().err


def test_a_wrong_config_is_said_in_one_sentence(start):
    with pytest.raises(SystemExit, match='no config'):
        start('configs/digits/missing.py')


@pytest.mark.pages
@pytest.mark.slow
@pytest.mark.parametrize('args', arguments_of_pages('rcg.projects.comparison'),
                         ids=' '.join)
def test_commands_of_pages(start, args):
    results, calls = start(*args)
    if '--seeds' in args:
        assert results['seeds'] == int(args[args.index('--seeds') + 1])
    assert len(calls) > 2 * results['seeds']
