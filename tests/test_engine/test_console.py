"""The console shows what is meant for people; files keep everything."""
import io
import logging

import pytest

from rcg.engine.console import quiet_console


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
