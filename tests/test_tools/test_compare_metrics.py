"""tools/compare_metrics.py: which scores may stand beside each other."""
import copy
import json

import pytest

from ..test_engine.running import run_tool

EXTRACTOR = dict(type='Inception', sha256='e' * 64, weights='inception.pth',
                 resize='bilinear to 299')
REFERENCE = dict(name='val', kind='images', count=50000, sha256='f' * 64,
                 transform=[dict(type='Resize', size=256)])
METRICS = {
    'val/fid': 3.5, 'val/is': 180.,
    'protocol': dict(
        config=dict(name='mage', sha256='c' * 64),
        checkpoint=dict(path='a/iter_1.pth', sha256='d' * 64),
        samples=dict(count=50000, seed=0), quantization='truncate',
        sampling=dict(generator=dict(type='MAGE', guidance_scale=1.)),
        metrics=[dict(results=['val/fid'], type='FrechetDistance',
                      extractor=EXTRACTOR, reference=REFERENCE),
                 dict(results=['val/is'], type='InceptionScore',
                      num_splits=10, extractor=EXTRACTOR)],
        run=dict(processes=1, date='today'))}


@pytest.fixture
def compare(tmp_path):
    def run(change):
        other = copy.deepcopy(METRICS)
        change(other, other['protocol'])
        for name, content in (('a', METRICS), ('b', other)):
            (tmp_path / f'{name}.json').write_text(json.dumps(content))
        done = run_tool('compare_metrics.py', tmp_path / 'a.json',
                        tmp_path / 'b.json', check=False)
        assert 'Traceback' not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def verdicts(out):
    return {line.split()[0]: line.split()[-1] for line in out.splitlines()
            if line.startswith('val/')}


def test_only_what_was_to_be_compared_differs(compare):
    def change(metrics, protocol):
        metrics['val/fid'] = 2.25
        protocol['sampling']['generator']['guidance_scale'] = 7.
        protocol['checkpoint'] = dict(path='b/x.pth', sha256='0' * 64)
        protocol['run'] = dict(processes=8, date='tomorrow')

    status, out = compare(change)
    assert status == 0
    assert '3.5           2.25' in out
    assert verdicts(out) == {'val/fid': 'comparable', 'val/is': 'comparable'}
    assert 'explains      sampling.generator.guidance_scale: 1.0 against ' \
        '7.0' in out
    assert ('explains      checkpoint.sha256: dddddddddddd against '
            '000000000000') in out
    assert 'b/x.pth' not in out
    assert 'tomorrow' not in out


def test_another_reference_concerns_only_its_metric(compare):
    def change(metrics, protocol):
        protocol['metrics'][0]['reference'].update(name='train',
                                                   sha256='0' * 64)

    status, out = compare(change)
    assert status == 1
    assert verdicts(out) == {'val/fid': 'INCOMPARABLE',
                             'val/is': 'comparable'}
    assert 'incomparable  reference.sha256: ffffffffffff against ' \
        '000000000000 (val/fid)' in out


@pytest.mark.parametrize(('place', 'key', 'value', 'text'), [
    ('samples', 'count', 5000, 'samples.count: 50000 against 5000'),
    (None, 'quantization', 'round', 'quantization: truncate against round'),
])
def test_what_concerns_every_metric(compare, place, key, value, text):
    def change(metrics, protocol):
        (protocol if place is None else protocol[place])[key] = value

    status, out = compare(change)
    assert status == 1
    assert set(verdicts(out).values()) == {'INCOMPARABLE'}
    assert f'incomparable  {text} (val/fid, val/is)' in out


@pytest.mark.parametrize(('key', 'value'), [
    ('sha256', '0' * 64), ('resize', 'bicubic to 299')])
def test_another_extractor(compare, key, value):
    def change(metrics, protocol):
        for metric in protocol['metrics']:
            metric['extractor'] = {**EXTRACTOR, key: value}

    status, out = compare(change)
    assert status == 1
    assert f'extractor.{key}' in out


def test_equal_content_in_another_place(compare):
    def change(metrics, protocol):
        protocol['metrics'][0]['extractor']['weights'] = 'renamed.pth'
        protocol['metrics'][0]['reference']['name'] = 'imagenet val'

    assert compare(change)[0] == 0


def test_one_file_lacks_a_score(compare):
    status, out = compare(lambda metrics, _: metrics.pop('val/is'))
    assert status == 0
    assert verdicts(out)['val/is'] == 'it'
    assert 'only one has it' in out

    def change(metrics, protocol):
        for name in ('val/is', 'val/fid'):
            metrics.pop(name)

    status, out = compare(change)
    assert status == 1
    assert 'no score in common' in out


def test_no_protocol(compare):
    status, out = compare(lambda metrics, _: metrics.pop('protocol'))
    assert status == 1
    assert 'carries no protocol' in out
