"""Lines for people, and scalars for every backend; the config once."""
import io
import json
import logging

import pytest

from rcg.engine.hooks.progress import quiet_console

from .running import build_runner


@pytest.mark.parametrize(('level', 'shown'), [
    ('INFO', 'line\nbeware\n'), ('DEBUG', 'detail\nline\nbeware\n')])
def test_console_and_file(tmp_path, level, shown):
    logger = logging.Logger('x')
    console = io.StringIO()
    logger.addHandler(logging.StreamHandler(console))
    logger.addHandler(logging.FileHandler(tmp_path / 'log'))
    quiet_console(logger, level)
    logger.info('detail')
    logger.info('line', extra={'console': True})
    logger.warning('beware')
    assert console.getvalue() == shown
    assert (tmp_path / 'log').read_text() == 'detail\nline\nbeware\n'


def test_backends_and_config(tmp_path):
    runner = build_runner(tmp_path)
    runner.visualizer.add_scalars({'loss_x': 2.}, step=3)
    runner.visualizer.close()
    line = json.loads(next(tmp_path.glob('*/*/scalars.json')).read_text())
    assert line == {'loss_x': 2., 'step': 3}
    events = next(tmp_path.glob('*/*/events*')).read_bytes()
    assert b'loss_x' in events
    copies = list(tmp_path.rglob('*config.py'))
    assert copies == [tmp_path / 'toy_config.py']
    assert "type='ToyModel'" in copies[0].read_text()
