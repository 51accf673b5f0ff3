"""Pages of runs: finished, running, failed, damaged, with odd names."""
import json
import os
import re
import shutil
import time

import pytest

from rcg.apis import report
from rcg.apis.page import Section
from rcg.apis.reporting.record import RunRecord
from tests.test_engine.running import build_runner

ODD = '<b>"run" & co'


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp('runs') / 'toy'
    runner = build_runner(folder)
    runner.train()
    (folder / 'metrics.json').write_text(json.dumps(
        {'toy/mean': 1.25, 'protocol': {'name': '</pre><script>'}}))
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / ODD)


def page_of(folder, **options):
    with open(report(str(folder), **options), encoding='utf-8') as file:
        return file.read()


def log_of(run):
    return next(iter(run.glob('*/*.log')))


def test_a_finished_run(run):
    text = page_of(run)
    for title in ('State', 'Curves', 'Samples over time', 'Metrics', 'Config',
                  'Environment', 'Checkpoints'):
        assert f'<h2>{title}</h2>' in text
    assert '<td>finished</td>' in text and '<td>10 of 10</td>' in text
    assert 'images/s' in text
    assert re.findall(r'aria-label="(\w*loss\w*|lr)"', text)
    assert text.count('data:image/png;base64,') == 2  # iterations 5 and 10
    assert 'iter_10.pth' in text and 'toy/mean' in text
    # One file, and nothing in it is code of somebody else.
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert '<script' not in text and '<b>' not in text
    assert '&lt;b&gt;&quot;run&quot; &amp; co' in text


def test_options_are_told_from_the_file(run, tmp_path):
    path, = run.glob('*.py')
    text = path.read_text()
    assert 'dropout=0.1' in text
    path.write_text(text.replace('dropout=0.1', "dropout='</td><i>'"))
    command = f'tools/train.py {os.path.abspath("tests")}/test_engine/'
    about, = run.glob('*/environment.json')
    content = json.loads(about.read_text())
    content['command'] = f'{command}toy_config.py'
    about.write_text(json.dumps(content))
    found = page_of(run)
    assert 'model.dropout' in found and '<i>' not in found
    assert '<td>0.1</td>' in found


def test_a_damaged_run_is_shown_as_far_as_it_goes(run):
    scalars = next(iter(run.glob('*/vis_data/scalars.json')))
    lines = scalars.read_text().splitlines()
    scalars.write_text('\n'.join(
        ['{"loss": 1, "st', '[1]', '\x00', *lines, lines[-1][:20]]))
    next(iter(run.glob('*/environment.json'))).write_text('{')
    (run / 'samples/iter_5.png').write_bytes(b'\x89PNG')
    (run / 'metrics.json').write_text('{"a": ')
    for path in run.glob('*.py'):
        path.write_text('model = (')
    log = log_of(run)
    kept = [line for line in log.read_text().splitlines()
            if ' 10/10 ' not in line]
    log.write_text('\n'.join([
        *kept, 'Traceback (most recent call last):', 'ValueError: <x>']))
    text = page_of(run)
    assert '<td>failed</td>' in text and 'ValueError: &lt;x&gt;' in text
    assert 'aria-label="loss' in text
    assert text.count('data:image/png;base64,') == 1
    assert 'no config that can be read' in text


def test_a_running_run(run):
    log = log_of(run)
    log.write_text(log.read_text().split(' 8/10 ')[0])
    assert RunRecord(run, 'x').state == 'stopped'
    (run / '.lock').write_text('')
    assert RunRecord(run, 'x').state == 'running'
    text = page_of(run)
    assert '<td>7 of 10</td>' in text and '<td>time left</td>' in text
    os.utime(run / '.lock', (time.time() - 1000, ) * 2)
    assert RunRecord(run, 'x').state == 'stopped'


def test_values_of_a_resumed_run_replace_those_that_were_lost(run):
    folder = run / '99990101_000000/vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('{"loss": 7.0, "iter": 9}\n')
    assert dict(RunRecord(run, 'x').series['loss'])[9] == 7.


def test_several_runs_on_the_same_axes(run, finished, tmp_path):
    other = shutil.copytree(finished, tmp_path / 'b' / ODD)
    path, = other.glob('*.py')
    path.write_text(path.read_text().replace('dropout=0.1', 'dropout=0.2'))
    text = page_of(run, compare=[str(other)], out=str(tmp_path / 'c.html'))
    assert re.search(r'(?s)aria-label="loss".*?<polyline.*?<polyline', text)
    assert '<td>0.1</td><td>0.2</td>' in text
    assert f'b/{ODD}'.replace('&', '&amp;').replace('<', '&lt;').replace(
        '>', '&gt;').replace('"', '&quot;') in text


def test_all_stages_of_a_folder(finished, tmp_path):
    for name in 'first', 'second':
        shutil.copytree(finished, tmp_path / name)
    (tmp_path / 'stages.json').write_text('{"second": {}, "first": {}}')
    text = page_of(tmp_path, first=[Section('Results', ['<good>'])])
    places = [text.index(f'<h2>{name}</h2>')
              for name in ('Results', 'Stages', 'second', 'first')]
    assert places == sorted(places)
    assert '&lt;good&gt;' in text and '<h3>Curves</h3>' in text


def test_nothing_to_report(tmp_path):
    with pytest.raises(FileNotFoundError, match='No run has left anything'):
        report(str(tmp_path))
    with pytest.raises(FileNotFoundError, match='no work folder'):
        report(str(tmp_path / 'gone'))
