"""The blocks of docs/python.md, one after another."""
import re
from pathlib import Path

import rcg.apis.inference.source as source
from rcg.engine import load_config

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r'```python\n(.*?)```',
                    (ROOT / 'docs/python.md').read_text(), re.DOTALL)


def test_blocks_run_in_order(digits_root, tmp_path, monkeypatch):
    """With few steps of untrained models; the rest is as it stands there."""
    def quick(config):
        cfg = load_config(config)
        cfg.model.generator.num_steps = 2
        if cfg.model.get('rdm'):
            cfg.model.rdm.sampler.num_steps = 2
        return cfg

    monkeypatch.setattr(source, 'load_any_config', quick)
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        exec(block, names)
    assert len(names['images']) == 4
    assert sorted(path.name for path in tmp_path.glob('*.png')) == [
        'image.png', 'step_01.png', 'step_02.png']
    assert [len(row) for row in names['rows']] == [3, 3]
    assert names['found'].near.shape == (4, )
    assert names['rcg'].checkpoint == str(
        tmp_path / 'my_digits/generator.safetensors')


def test_the_readme_shows_the_first_block():
    assert f'```python\n{BLOCKS[0]}```' in (ROOT / 'README.md').read_text()
