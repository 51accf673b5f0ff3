"""configs/README.md: every row of the paper, and what makes it."""
import re
import shlex

import pytest

from rcg.engine.configs.options import parse_options
from tests.test_configs import LEAVES, ROOT, build, check_parts, load_config
from tools import sweep

PAGE = (ROOT / 'README.md').read_text()
STATES = {'parity', 'never run', 'measured here'}
REFERENCES = {'adm', 'val', 'train'}


def table(header):
    """Rows of the table of the page with such a header, in cells."""
    body = PAGE.partition(f'{header}\n')[2].splitlines()
    assert body, f'no table {header!r}'
    rows = []
    for line in body[1:]:
        if not line.startswith('|'):
            break
        rows.append([cell.strip() for cell in line.strip('|').split('|')])
    return rows


ROWS = table('| table or README | config or command | FID | IS | reference '
             '| state |')
OTHERS = table('| config | what | state |')
# What stands in the tables between backticks.
SPANS = [span for cell in [row[1] for row in ROWS] + [row[0] for row in OTHERS]
         for span in re.findall(r'`([^`]+)`', cell)]
CHANGED = sorted({span for span in SPANS
                  if ' ' in span and not span.startswith('tools/')})


def test_every_config_that_is_named_exists_and_every_leaf_is_named():
    named = {match for span in SPANS
             for match in re.findall(r'(?:^|configs/)(\w+/\w+\.py)', span)}
    named -= {'tools/sweep.py'}
    assert named - set(LEAVES) == set()
    assert set(LEAVES) - named == set(), 'add them to configs/README.md'
    # A config with a row of the paper needs no other line.
    paper = {span.split()[0] for row in ROWS
             for span in re.findall(r'`([^`]+)`', row[1])}
    assert not paper & {span for row in OTHERS
                        for span in re.findall(r'`([^`]+)`', row[0])}


def test_rows_are_whole():
    assert len(ROWS) > 60
    for row in ROWS:
        assert len(row) == 6, row
        paper, what, fid, _, reference, state = row
        assert paper and fid and re.search(r'`[^`]+`', what), row
        assert reference in REFERENCES and state in STATES, row
    for row in OTHERS:
        assert len(row) == 3 and row[1] and row[2] in STATES, row
    assert len({tuple(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize('span', CHANGED)
def test_a_row_with_options_builds(span):
    """Rows that are a leaf alone: test_configs.py builds all leaves."""
    config, *options = shlex.split(span)
    cfg = load_config(str(ROOT / config), parse_options(options))
    check_parts(build(cfg))
    if (name := cfg.model.get('rdm') and cfg.model.rdm.checkpoint) and (
            name.startswith('work_dirs/')):
        assert f'{name.removeprefix("work_dirs/")}.py' in LEAVES


def test_commands_of_the_tables_are_commands():
    commands = [span for span in SPANS if span.startswith('tools/')]
    assert len(commands) == 2
    for command in commands:
        tool, *args = shlex.split(command)
        assert tool == 'tools/sweep.py'
        parsed = sweep.parse_args(args)
        assert parsed.guidance or parsed.rdm_steps


def test_inaturalist_is_scored_as_published():
    """100,000 images against the 100,000 of validation, never ImageNet's."""
    for name in ('mage_b', 'mage_b_uncond', 'mage_b_label'):
        cfg = load_config(str(ROOT / f'inat21/{name}.py'))
        assert cfg.test_dataloader.dataset.num_images == 100000
        assert cfg.test_evaluator[1].reference.data_root == 'data/inat21/val'
        assert cfg.train_cfg.max_samples == 200 * (
            2686843 // 64 // 64) * 64 * 64
    rdm = load_config(str(ROOT / 'inat21/rdm.py'))
    assert rdm.train_cfg.max_samples == 100 * (
        2686843 // 4 // 128) * 4 * 128
    assert [metric.reference.data_root for metric in rdm.test_evaluator] == [
        'data/inat21/train', 'data/inat21/val']
    assert 'imagenet' not in str(rdm.test_evaluator) + str(
        rdm.val_evaluator) + str(rdm.train_dataloader)
