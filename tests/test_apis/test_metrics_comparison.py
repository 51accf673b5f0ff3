"""compare_metrics: files of any content, scores that are no numbers."""
import copy
import json
import math

import pytest

from rcg.apis.metrics_comparison import compare_metrics, describe

METRICS = {'fid': 3.5, 'is': 180, 'protocol': {
    'samples': {'count': 50}, 'quantization': 'truncate',
    'metrics': [{'results': ['fid'], 'extractor': {'sha256': 'e'}},
                {'results': ['is'], 'num_splits': 10}]}}


def write(path, content):
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content)
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(('a', 'b'), [
    (math.nan, math.nan), (math.inf, math.inf), (math.nan, 3.5),
    (3.5, -math.inf)])
def test_scores_that_are_not_finite_are_incomparable(tmp_path, a, b):
    paths = [write(tmp_path / f'{name}.json', METRICS | {'fid': score})
             for name, score in (('a', a), ('b', b))]
    found = compare_metrics(*paths)
    assert not found.comparable
    assert found.reasons['fid'][0][0] == 'not finite'
    assert not found.reasons['is']
    assert f'not finite: {a} against {b} (fid)' in describe(found)


def changed(**entries):
    return copy.deepcopy(METRICS) | entries


def protocol(**entries):
    return changed(protocol=METRICS['protocol'] | entries)


OTHERS = [
    b'', b'\x00\xff', b'[' * 10**5, '[1]', 'null', '3', '"text"', '{',
    json.dumps(METRICS) * 2, '{"protocol": {}, "protocol": {}}',
    '{"a": ' * 500 + '1' + '}' * 500, b' ' * (5 << 20),
    changed(fid='3.5'), changed(fid=[3.5]), changed(fid={}),
    changed(fid=None), changed(fid=True), changed(fid=10**400),
    '{"fid": ' + '9' * 5000 + ', "protocol": {}}',
    changed(protocol=[]), changed(protocol=None), changed(protocol='x'),
    protocol(metrics={}), protocol(metrics='fid'), protocol(metrics=3),
    protocol(metrics=[3]), protocol(metrics=['fid']),
    protocol(metrics=[{}]), protocol(metrics=[{'results': 'fid'}]),
    protocol(metrics=[{'results': None}]), protocol(metrics=[[]]),
    protocol(metrics=[{'results': [['fid']]}]), protocol(metrics=None),
    r'{"\ud800": 3, "protocol": {}}',
]


@pytest.mark.parametrize('content', OTHERS, ids=range(len(OTHERS)))
def test_other_contents(tmp_path, content):
    good = write(tmp_path / 'good.json', METRICS)
    bad = write(tmp_path / 'bad.json', content)
    for pair in ((good, bad), (bad, good), (bad, bad)):
        with pytest.raises(ValueError,
                           match=r"bad.json' is not a metrics.json"):
            compare_metrics(*pair)


def test_places_that_are_no_file(tmp_path):
    good = write(tmp_path / 'good.json', METRICS)
    for place in (tmp_path, tmp_path / 'missing', '/dev/zero'):
        with pytest.raises(ValueError, match='is not a metrics.json'):
            compare_metrics(good, str(place))


def test_odd_protocols_are_compared(tmp_path):
    """What is of no type that we know may still be shown."""
    a = write(tmp_path / 'a.json', protocol(samples=[1, {'x': None}]))
    b = write(tmp_path / 'b.json', protocol(samples={'': {}, 'count': 1e999}))
    assert 'samples' in describe(compare_metrics(a, b))
