"""tools/sweep.py on an untrained digits model."""
import json

import pytest

from tools import sweep

from ..test_engine.running import ROOT, run_tool


def test_one_scale_of_guidance_at_a_time():
    with pytest.raises(SystemExit):
        sweep.parse_args(['a.py', 'b', '--guidance', '1',
                          '--guidance-scale', '1'])


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
    # The RDM draws anew for each number of its own steps.
    run_tool('sweep.py', *model, '--guidance', 6, '--rdm-steps', 2, 3,
             '--out', tmp_path / 'steps')
    two, three = json.loads(
        (tmp_path / 'steps/sweep.json').read_text())['rows']
    assert three['setting']['rdm_steps'] == 3
    assert three['metrics'] == rows[1]['metrics'] != two['metrics']
    assert len(list((tmp_path / 'steps').glob('representations_*.pt'))) == 2
    other = run_tool('sweep.py', *model, '--guidance', 0, '--cfg-options',
                     'model.rdm.sampler.num_steps=4', check=False)
    assert other.returncode == 1
    assert 'holds a sweep with another model: give' in other.stderr
