"""Errors of users in one paragraph, bugs with their traceback."""
import pytest

from rcg.checkpoint import CheckpointError
from tools.starting import friendly_errors, message


def fail(error, debug=False):
    with friendly_errors(debug):
        raise error


@pytest.mark.parametrize('error', [
    ValueError('too wide'), KeyError('too wide'), TypeError('too wide'),
    CheckpointError('too wide'), FileNotFoundError('too wide')])
def test_user_errors(error, capsys):
    with pytest.raises(SystemExit) as caught:
        fail(error)
    assert caught.value.code == 1
    text = capsys.readouterr().err
    assert 'error: too wide\n' in text
    assert 'Traceback' not in text


def test_debug_shows_everything():
    with pytest.raises(ValueError, match='too wide'):
        fail(ValueError('too wide'), debug=True)


def test_bugs_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_interrupt(capsys):
    with pytest.raises(SystemExit) as caught:
        fail(KeyboardInterrupt())
    assert caught.value.code == 130
    assert '--resume' in capsys.readouterr().err


def test_message_of_a_worker_is_its_last_line():
    error = ValueError('Caught ValueError in DataLoader worker process 0.\n'
                       'Original Traceback (most recent call last):\n'
                       '  File "x.py", line 3\nValueError: image x is bad\n')
    assert message(error) == 'ValueError: image x is bad'


def test_message_of_a_system_error_names_the_file():
    error = FileNotFoundError(2, 'No such file', 'a/b')
    assert message(error) == 'No such file: a/b'


def test_message_is_never_empty():
    assert message(ValueError()) == 'ValueError'
