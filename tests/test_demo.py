"""The notebook: its cells run, and its pictures are in it."""
import ast
import json
import os
from pathlib import Path

import pytest
from PIL import Image

NOTEBOOK = Path(__file__).parents[1] / 'demo' / 'rcg.ipynb'


def code_cells():
    cells = json.loads(NOTEBOOK.read_text())['cells']
    return [cell for cell in cells if cell['cell_type'] == 'code']


@pytest.mark.slow
def test_cells_run_and_end_in_pictures(digits_root, tmp_path, monkeypatch):
    """On untrained models, from a folder of its own, without Jupyter."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in code_cells():
        *body, last = ast.parse(''.join(cell['source'])).body
        exec(compile(ast.Module(body, []), 'cell', 'exec'), names)
        if not isinstance(last, ast.Expr):
            exec(compile(ast.Module([last], []), 'cell', 'exec'), names)
            assert not cell['outputs']
            continue
        shown = eval(compile(ast.Expression(last.value), 'cell', 'eval'),
                     names)
        assert isinstance(shown, Image.Image)
        kept, = cell['outputs']
        size = f'size={shown.width}x{shown.height}'
        assert size in ''.join(kept['data']['text/plain'])
    assert os.environ['RCG_ROOT'] == str(digits_root)
    assert [len(row) for row in names['drawn']] == [8] * 4


def test_it_was_run_in_order_and_is_small():
    cells = code_cells()
    assert [cell['execution_count'] for cell in cells] == [
        *range(1, len(cells) + 1)]
    pictures = sum('image/png' in output['data'] for cell in cells
                   for output in cell['outputs'])
    assert pictures == len(cells) - 1
    assert NOTEBOOK.stat().st_size < 500_000
