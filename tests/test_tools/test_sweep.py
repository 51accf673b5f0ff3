"""tools/sweep.py on an untrained digits model."""
import json
from types import SimpleNamespace

import pytest

from rcg.apis.sweep import report, settings
from tools import sweep

from ..test_engine.running import ROOT, run_tool

MAGE = SimpleNamespace(condition_kind='representation', guidance_scale=2.,
                       temperature=1.5, num_steps=12)




def test_two_scales_of_guidance():
    assert settings.guidance_scales([0, 1, 6], None) == [1, 2, 7]
    assert settings.guidance_scales(None, [1, 2, 7]) == [1, 2, 7]
    assert settings.guidance_scales(None, None) is None
    with pytest.raises(ValueError, match='off at 0: use --guidance for it'):
        settings.guidance_scales(None, [0., 1.])
    with pytest.raises(ValueError, match='off at 0 and not negative'):
        settings.guidance_scales([-1.], None)
    with pytest.raises(SystemExit):
        sweep.parse_args(['a.py', 'b', '--guidance', '1',
                          '--guidance-scale', '1'])


def test_combinations_keep_what_is_not_swept():
    found = settings.combinations(MAGE, dict(
        guidance_scale=[1., 3., 1.], temperature=None, num_steps=[4, 8]))
    assert [tuple(row.values()) for row in found] == [
        (1., 1.5, 4), (1., 1.5, 8), (3., 1.5, 4), (3., 1.5, 8)]


@pytest.mark.parametrize(('change', 'wanted', 'text'), [
    ({}, {}, 'nothing to sweep'),
    ({}, {'eta': [1]}, 'has no eta'),
    ({'condition_kind': None}, {'guidance_scale': [1, 2]}, 'no condition'),
])
def test_what_cannot_be_swept(change, wanted, text):
    generator = SimpleNamespace(**{**vars(MAGE), **change})
    with pytest.raises(ValueError, match=text):
        settings.combinations(generator, wanted)


def test_table_and_picture(tmp_path):
    rows = [dict(setting=dict(guidance_scale=w, temperature=6.),
                 metrics={'val/fid': 4 / w, 'adm/fid': 3 / w, 'val/is': w})
            for w in (1., 2., 7.)]
    lines = report.table(rows).splitlines()
    assert lines[0].split() == ['guidance', 'guidance_scale', 'temperature',
                                'steps', 'adm/fid', 'val/fid', 'val/is']
    assert lines[3].split() == ['6', '7', '6', '-', '0.4286', '0.5714', '7']
    report.draw(rows, tmp_path / 'sweep.png')
    assert (tmp_path / 'sweep.png').read_bytes()[:4] == b'\x89PNG'


CONFIG = f"""
_base_ = '{ROOT}/configs/digits/mage.py'
test_dataloader = dict(batch_size=20, dataset=dict(num_images=40))
model = dict(rdm=dict(sampler=dict(num_steps=3)))
# In the space of the encoder: these tests have no classifier.
test_evaluator = dict(
    _delete_=True, type='FrechetDistance', prefix='held_out',
    extractor=dict(_base_.encoder, checkpoint=f'{{_base_._root}}/encoder',
                   prefix='encoder.'),
    reference=dict(type='Digits', split='test'))
"""


@pytest.mark.slow
def test_scores_are_those_of_a_test_run(digits_root, tmp_path):
    """Though representations are drawn once; and nothing is done twice."""
    (tmp_path / 'small.py').write_text(CONFIG)
    model = (tmp_path / 'small.py', digits_root / 'mage', '--work-dir',
             tmp_path)
    out = tmp_path / 'sweep'
    run_tool('sweep.py', *model, '--guidance', 0)
    drawn = next(out.glob('representations_*.pt'))
    before = drawn.stat().st_mtime_ns
    done = run_tool('sweep.py', *model, '--guidance', 0, 6)
    assert drawn.stat().st_mtime_ns == before
    assert 'guidance 0 as' not in done.stdout
    assert 'guidance 6 as published (guidance_scale 7)' in done.stdout
    run_tool('test.py', *model, '--out', tmp_path / 'metrics.json',
             '--cfg-options', 'model.generator.guidance_scale=7')
    rows = json.loads((out / 'sweep.json').read_text())['rows']
    assert [row['setting']['guidance_scale'] for row in rows] == [1, 7]
    wanted = json.loads((tmp_path / 'metrics.json').read_text())
    assert rows[1]['metrics'] == {'held_out/fd': wanted['held_out/fd']}
    assert rows[0]['metrics'] != rows[1]['metrics']
    assert (out / 'sweep.png').is_file()
    other = run_tool('sweep.py', *model, '--guidance', 0, '--cfg-options',
                     'model.rdm.sampler.num_steps=4', check=False)
    assert other.returncode == 1
    assert 'holds a sweep with another model: give' in other.stderr
