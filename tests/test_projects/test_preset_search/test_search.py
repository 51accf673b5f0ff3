"""The search of presets, with tools of paper."""
import json

import pytest

from rcg.apis import run_command
from rcg.apis.fitting.choices import Cost
from rcg.apis.fitting.project import write_project
from rcg.engine import load_config
from rcg.projects.preset_search import search as module
from rcg.projects.preset_search.search import search, table

# It scores a candidate by its number of codes, its width and its steps.
TOOL = """
import json, pathlib, sys
from rcg.engine import load_config
if 'train' not in sys.argv[0]:
    cfg = load_config(sys.argv[1])
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    fd = 1000 / cfg._tokenizer.num_codes + 100 / cfg._mage.dim
    scores = {'held_out/fd': fd, 'psnr': 20.}
    if 'sweep' in sys.argv[0]:
        rows = [dict(setting=dict(temperature=t), metrics={
            'held_out/fd': fd + abs(t - 6)}) for t in (3, 6, 10)]
        out.mkdir()
        (out / 'sweep.json').write_text(json.dumps(dict(rows=rows)))
    else:
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(scores))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    tools = tmp_path / 'home' / 'tools'
    tools.mkdir(parents=True)
    for name in ('train', 'test', 'sweep', 'measure_tokenizer'):
        (tools / f'{name}.py').write_text(TOOL)
    monkeypatch.setattr(run_command, 'home', lambda: tmp_path / 'home')
    monkeypatch.setattr(module, 'measure', lambda path, device, threads: Cost(
        1e-3 * load_config(str(path))._tokenizer.num_codes, 100, 10))
    out = tmp_path / '{{fileBasename}} project'
    write_project(out, str(tmp_path), 'tiny_32', {'_size': 32})
    for name in ('encoder', 'tokenizer'):
        (out / name).mkdir()
        (out / name / 'iter_1.pth').write_text(name)
    return out


def test_the_tokenizer_by_time(project, tmp_path, capsys):
    out, wide = tmp_path / 'out', '_tokenizer = dict(num_codes=1024)'
    rows, failed = search(project, 'tokenizer', ['', wide], out, 100., 2)
    assert not failed
    assert [row['candidate'] for row in rows] == [wide, '(as it is)']
    # As many steps as fit into 100 seconds.
    assert [row['steps'] for row in rows] == [97, 190]
    assert json.loads((out / 'search.json').read_text())['rows'] == rows
    printed = table(rows).splitlines()
    assert printed[0].split() == [
        'steps', 'seconds', 'held_out/fd', 'psnr', 'candidate']
    assert printed[1].endswith(wide)
    for row in rows:
        folder = tmp_path / 'out' / row['folder']
        cfg = load_config(str(folder / 'tokenizer.py'))
        assert cfg._steps.tokenizer == row['steps']
        assert cfg.work_dir == str(folder / 'tokenizer')
        # The encoder is shared, what is searched is not.
        assert (folder / 'encoder' / 'iter_1.pth').read_text() == 'encoder'
        assert not (folder / 'tokenizer').exists()
    # The same command goes on: nothing is left to do.
    capsys.readouterr()
    assert search(project, 'tokenizer', ['', wide], out, 100., 2)[0] == rows
    assert '6 of 6 stages were done before' in capsys.readouterr().out


def test_mage_by_steps(project, tmp_path):
    rows, _ = search(project, 'mage', ['_mage = dict(dim=48)', ''],
                     tmp_path / 'out', 7, 1)
    assert [row['steps'] for row in rows] == [7, 7]
    best = rows[0]
    assert (best['candidate'], best['temperature']) == ('(as it is)', 6)


def test_what_is_no_project(tmp_path):
    with pytest.raises(FileNotFoundError, match='no project of tools/fit'):
        search(tmp_path, 'mage', [''], tmp_path / 'out', 7, 1)
