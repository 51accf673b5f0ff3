"""What people see of a run; files keep everything."""
import io
import logging
from functools import partial
from types import SimpleNamespace

import pytest
from mmengine.runner import Runner
from torch import nn

from rcg.engine import console
from rcg.engine.console import draw, log, quiet_console


@pytest.mark.parametrize(('level', 'shown'), [
    ('INFO', 'line\nbeware\n'), ('DEBUG', 'detail\nline\nbeware\n')])
def test_console_and_file(tmp_path, level, shown):
    logger = logging.Logger('x')
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    logger.addHandler(logging.FileHandler(tmp_path / 'log'))
    quiet_console(logger, level)
    logger.info('detail')
    logger.info('line', extra={'console': True})
    logger.warning('beware')
    assert stream.getvalue() == shown
    assert (tmp_path / 'log').read_text() == 'detail\nline\nbeware\n'


def test_log_works_with_a_stock_runner(tmp_path, capsys):
    runner = Runner(nn.Linear(1, 1), str(tmp_path), experiment_name='stock')
    log(runner, 'a line')
    assert 'a line' in capsys.readouterr().out
    written, = tmp_path.glob('*/*.log')
    assert 'a line' in written.read_text()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A runner whose console is a terminal of 60 columns."""
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setenv('COLUMNS', '60')
    monkeypatch.setattr(console, '_EVERY', 0.)
    logger = logging.Logger('x')
    logger.addHandler(logging.StreamHandler(Terminal()))
    quiet_console(logger, 'INFO')
    return SimpleNamespace(logger=logger,
                           read=logger.handlers[0].stream.getvalue)


def screen(text):
    """What is seen in the end: an erased line is not."""
    return [line.rpartition('\r\x1b[K')[2] for line in text.split('\n')]


def test_progress_in_place(terminal):
    for done in range(1, 4):
        draw(terminal, partial('{}/4'.format, done), done / 4)
    log(terminal, 'validated')
    log(terminal, '4/4', 1.)
    log(terminal, 'done')
    assert screen(terminal.read()) == [
        'validated', f'[{"#" * 20}] 4/4', 'done', '']


def test_a_line_of_progress_is_not_wrapped(terminal):
    draw(terminal, lambda: 'x' * 100, .5)
    line, = screen(terminal.read())
    assert line == 'x' * 59


def test_a_long_text_takes_the_place_of_the_bar(terminal):
    """Speed, memory and score are there to be read."""
    for length, bar in ((36, 20), (46, 10), (51, 5), (52, 0)):
        draw(terminal, partial('x'.__mul__, length), .4)
        line = screen(terminal.read())[-1]
        wanted = f'[{"#" * (bar * 2 // 5)}{"." * (bar * 3 // 5)}] '
        assert line == wanted * (bar > 0) + 'x' * length
    log(terminal, 'x' * 100, 1.)
    assert screen(terminal.read())[-2] == 'x' * 100


def test_what_is_no_terminal_has_plain_lines(terminal, monkeypatch):
    for term, kind in (('dumb', Terminal), ('xterm', io.StringIO)):
        monkeypatch.setenv('TERM', term)
        logger, stream = logging.Logger('x'), kind()
        logger.addHandler(logging.StreamHandler(stream))
        quiet_console(logger, 'INFO')
        plain = SimpleNamespace(logger=logger)
        draw(plain, pytest.fail, .5)  # nothing is made of it
        log(plain, '2/2', 1.)
        assert stream.getvalue() == '2/2\n'
