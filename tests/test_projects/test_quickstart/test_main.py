"""The quick start: its options, and a run with tools of paper."""
import json
import subprocess
import sys

import pytest

from rcg.apis import run_command
from rcg.projects.quickstart import __main__ as quickstart
from rcg.projects.quickstart import report
from tests.test_engine.running import ROOT

# A tool that writes what the report reads: train, test or sample.
TOOL = """
import json, os, pathlib, sys
from PIL import Image
kind, name = pathlib.Path(sys.argv[0]).stem, pathlib.Path(sys.argv[1]).stem
folder = pathlib.Path(os.environ['RCG_ROOT'], name)
folder.mkdir(exist_ok=True)
if kind == 'train':
    (folder / 'samples').mkdir(exist_ok=True)
    # 40 pairs in rows of 7, with gaps of 2 pixels, as SampleGridHook's.
    Image.new('RGB', (7 * 66 + 2, 6 * 130 + 2)).save(
        folder / 'samples' / 'iter_1.png')
if kind == 'test':
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    scores = dict.fromkeys(SCORES, len(name))
    if 'temperature' in sys.argv[-1]:
        scores['train/fd'] = float(sys.argv[-1].rpartition('=')[2])
    out.write_text(json.dumps(scores))
if kind == 'sample':
    (folder / 'images').mkdir()
    for i in range(3):
        Image.new('RGB', (16, 16)).save(folder / 'images' / f'{i:06d}.png')
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Runs the quick start with these arguments; returns its summary."""
    tools = tmp_path / 'home' / 'tools'
    tools.mkdir(parents=True)
    for name in ('train', 'test', 'sample'):
        (tools / f'{name}.py').write_text(TOOL.replace(
            'SCORES', repr(list(report.SCORES.values()))))
    monkeypatch.setattr(run_command, 'home', lambda: tmp_path / 'home')
    monkeypatch.setattr(report, 'distance_of_real', lambda root: .25)
    # Tools of paper leave no run that a page could show.
    monkeypatch.setattr(report, 'write_page', lambda run, out, first: out)
    work = tmp_path / 'work'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [
            'quickstart.py', '--work-dir', str(work), *args])
        quickstart.main()
        return json.loads((work / 'summary.json').read_text()), (
            work / 'table.md').read_text().splitlines()

    return run


@pytest.mark.slow
def test_four_generators_in_one_table(start):
    summary, table = start('--generators', 'mage,dit,adm,ldm')
    titles = [line.split(' | ')[0] for line in table[2:14]]
    assert titles == [
        '| unconditional MAGE', '| RCG (MAGE on generated representations)',
        '| class-conditional MAGE',
        '| unconditional DiT', '| RCG (DiT on generated representations)',
        '| unconditional ADM', '| RCG (ADM on generated representations)',
        '| unconditional LDM', '| RCG (LDM on generated representations)',
        '| tokenizer: training digits, reconstructed',
        '| continuous tokenizer: training digits, reconstructed',
        '| training digits themselves']
    assert summary['models']['dit_uncond']['fd'] == len('dit_uncond')
    assert summary['tokenizers'] == dict(tokenizer=9, latents=7)
    # Another generator's results stay, and are not shown.
    summary, table = start('--generators', 'adm')
    assert list(summary['models']) == ['adm_uncond', 'adm']
    assert 'dit' not in summary['seconds']


@pytest.mark.slow
def test_seeds_choose_settings_and_have_the_control(start):
    summary, table = start('--seeds', '2', '--short')
    assert summary['models']['mage_pca']['settings'] == dict(temperature=.5)
    assert table[5].startswith(
        '| control: RCG, PCA of pixels as encoder, temperature 0.5 | 8.00 ± ')


@pytest.mark.parametrize('names', ['dits', 'mage,', 'mage, dit'])
def test_unknown_generators_are_refused(names, capsys):
    with pytest.raises(SystemExit):
        quickstart.parse_args(['--generators', names])
    wrong = names.rpartition(',')[2]
    error = ' '.join(capsys.readouterr().err.split())
    assert 'wanted some of mage,dit,adm,ldm, with commas' in error
    assert f"got '{wrong}'" in error


def test_names_may_come_twice():
    args = quickstart.parse_args(['--generators', 'dit,mage,dit'])
    assert args.generators == ('dit', 'mage')
    assert quickstart.parse_args([]).generators == ('mage', )


def test_it_says_something_before_it_loads_pytorch():
    code = ('import sys; import rcg.projects.quickstart.__main__; '
            'sys.exit("torch" in sys.modules)')
    subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True)
