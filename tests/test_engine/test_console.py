"""What people see of a run; files keep everything."""
import io
import logging

import pytest
from mmengine.runner import Runner
from torch import nn

from rcg.engine.console import log, quiet_console


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


def test_log_works_with_a_stock_runner(tmp_path, capsys):
    runner = Runner(nn.Linear(1, 1), str(tmp_path), experiment_name='stock')
    log(runner, 'a line')
    assert 'a line' in capsys.readouterr().out
    written, = tmp_path.glob('*/*.log')
    assert 'a line' in written.read_text()
