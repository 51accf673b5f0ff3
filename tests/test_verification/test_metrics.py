"""Scores on fixed images: the same everywhere, and a verdict."""
import json

import pytest

from rcg.verification.metrics import material, scores
from rcg.verification.metrics.check import expectation

STORED = json.loads(scores.STORED.read_text())


@pytest.mark.slow
def test_images_and_weights_are_those_that_were_scored():
    images = [material.image_set(number) for number in (0, 1)]
    assert images[0].shape == (256, 3, 64, 64)
    assert material.sha256(images) == STORED['sha256']['images']
    state = material.random_weights()
    assert material.sha256(state.values()) == STORED['sha256']['weights']
    assert state['Conv2d_1a_3x3.conv.weight'].std() == pytest.approx(
        (2 / 27) ** .5, rel=.05)
    assert state['Mixed_7c.branch1x1.bn.running_var'].eq(1).all()


def test_stored_scores_tell_metrics_apart():
    assert STORED['values'].keys() == scores.ALLOWED.keys()
    assert {'torch-fidelity', 'torch'} <= STORED['made_by'].keys()
    values = STORED['values']
    assert values['fid'] > 1 and values['is'] > 1.2 and values['kid'] > .001
    assert .05 < values['precision'] < .95 and .05 < values['recall'] < .95


@pytest.mark.parametrize(('change', 'passed'), [
    ({}, True), ({'fid': 1.0005}, True), ({'fid': 1.002}, False),
    ({'is': float('nan')}, False), ({'recall': 1.1}, False)])
def test_verdict(change, passed):
    found = {name: value * change.get(name, 1)
             for name, value in STORED['values'].items()}
    lines, good = scores.compare(found, STORED['values'])
    assert good == passed
    failed = [line.split()[0] for line in lines if line.endswith('FAIL')]
    assert failed == ([] if passed else list(change))


def test_values_of_other_weights_are_refused(tmp_path):
    path = tmp_path / 'mine.json'
    path.write_text(json.dumps(STORED))
    with pytest.raises(ValueError, match='Give the file that --record had'):
        expectation(dict(STORED['sha256'], weights='0'), weights='w',
                    expected=str(path))


@pytest.mark.parametrize('content', ['', '{}', '[]', '{"sha256": {}}'])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / 'mine.json'
    path.write_text(content)
    with pytest.raises(
            ValueError, match=r"mine\.json' (is damaged|holds no scores)"):
        expectation(STORED['sha256'], expected=str(path))
