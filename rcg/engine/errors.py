"""Tells errors of users from bugs.

An error is a user's if a ``raise`` statement of rcg, the command, MMEngine or
MMCV raised it, or one of anybody while a part was built from a config; so are
errors of the system (OSError), and all errors of reading a config or of
passing its arguments. Every other error is a bug, of rcg or of an extension:
it happened in an operation that should not have failed.
"""
import dis
import os
import re
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

import mmcv
import mmengine
from torch import OutOfMemoryError

import rcg
from rcg.checkpoint import CheckpointError

_MMENGINE = os.path.dirname(mmengine.__file__)
_PACKAGES = tuple(os.path.join(folder, '') for folder in (
    os.path.dirname(rcg.__file__), _MMENGINE, os.path.dirname(mmcv.__file__)))
# What is raised for users. An AttributeError, say, is for programmers.
_FOR_USERS = (ValueError, TypeError, KeyError, RuntimeError, ImportError,
              SyntaxError, AssertionError)
# MMEngine's functions that read a config,
_READERS = {'_file2dict', '_is_lazy_import', '_parse_lazy_import'}
# that build a part from one,
_BUILDERS = {'build_from_cfg', 'build_runner_from_cfg', 'build_dataloader'}
# and that pass arguments of a config to a constructor.
_CALLERS = _BUILDERS | {'from_cfg', 'get_instance'}
_LOOKUPS = {'__getitem__', '__missing__'}
_RAISE = dis.opmap['RAISE_VARARGS']  # the instruction of raise and assert
# A frame in the traceback that a worker process sent as text.
_FRAME = re.compile(r'^ *File "(.+)", line \d+, in .+\n *(.*)$', re.MULTILINE)


def is_users(error: BaseException) -> bool:
    """Whether an error tells its user what to change; else it is a bug.

    Args:
        error: An error that was caught, perhaps one of a worker process.
    """
    if isinstance(error, (OSError, CheckpointError, OutOfMemoryError)):
        return True
    frames = _frames(error)
    if _of_mmengine(frames, _READERS):
        return isinstance(error, Exception)
    if not isinstance(error, _FOR_USERS) or isinstance(
            error, NotImplementedError):
        return False
    if sent := _text_of_worker(error):
        file, line = _FRAME.findall(sent)[-1]
        return _speaks_to_users(error, file) and line.startswith(
            ('raise ', 'assert '))
    return bool(frames) and _is_told(error, frames)


def _is_told(error: BaseException, frames: list[TracebackType]) -> bool:
    """Whether a statement of this process raised an error for users."""
    code = frames[-1].tb_frame.f_code
    if code.co_name == '__missing__':  # of ConfigDict
        users = [frame for frame in frames
                 if frame.tb_frame.f_code.co_name not in _LOOKUPS]
        return bool(_of_mmengine(users[-1:], _CALLERS))
    if code.co_code[frames[-1].tb_lasti] != _RAISE:
        return (isinstance(error, TypeError)
                and bool(_of_mmengine(frames[-1:], _CALLERS)))
    cause = error.__cause__ or error.__context__
    if (code.co_filename.startswith(_MMENGINE) and type(cause) is type(error)
            and str(cause) in str(error)):
        # MMEngine only adds to a message, such as the name of a hook.
        return isinstance(error, ImportError) or is_users(cause)
    return (_speaks_to_users(error, code.co_filename)
            or bool(_of_mmengine(frames, _BUILDERS)))


def _speaks_to_users(error: BaseException, file: str) -> bool:
    if isinstance(error, AssertionError):  # ours guard what we believe
        return file.startswith(_PACKAGES[1:]) and bool(str(error))
    command = getattr(sys.modules['__main__'], '__file__', None)
    return file.startswith(_PACKAGES) or file == command


def explain(error: BaseException, logs: Sequence[str] = ()) -> str:
    """What to print of an error: a paragraph.

    Args:
        error: An error that was caught. The traceback of a bug is printed
            before.
        logs: Files that have the traceback.
    """
    if is_users(error):
        where = f'traceback: {logs[-1]}' if logs else '--debug shows where'
        return f'{message(error)}\n({where})'
    verdict = ('This is a bug, of rcg or of an extension, unless another '
               'process failed first.')
    if part := _part_in_building(error):
        verdict = (f"'{part}' was being built: are its arguments in the "
                   'config right? If they are, this is a bug, of rcg or of '
                   'an extension.')
    kept = f', which {logs[-1]} keeps' if logs else ''
    return (f'{_told(error)}\n{verdict} Please report it with the command, '
            f'its config and the traceback above{kept}.')


def _part_in_building(error: BaseException) -> str | None:
    """Type of the innermost part that was built from a config, if any was."""
    found = _of_mmengine(_frames(error), {'build_from_cfg'})
    if not found:
        return None
    kind = (found[-1].tb_frame.f_locals.get('cfg') or {}).get('type')
    return getattr(kind, '__name__', kind)


def message(error: BaseException) -> str:
    """The text of an error, also of one raised in a worker of a loader."""
    text = str(error)
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str() would add quotes
    if text.startswith('Caught ') and 'Original Traceback' in text:
        text = text.strip().splitlines()[-1]
        kind, _, rest = text.partition(': ')
        if kind.rpartition('.')[2] == type(error).__name__:
            text = rest
    if isinstance(error, OSError) and error.errno and error.strerror:
        text = error.strerror
        if error.filename:
            text += f': {error.filename}'
    cause = error.__cause__ or error.__context__
    if isinstance(error, ImportError) and isinstance(cause, ImportError):
        text += f'\n({message(cause)})'
    return _place_in_config(error) or text or _told(error)


def _place_in_config(error: BaseException) -> str | None:
    """The message of an error that a config's own code, or its lack, made."""
    frames = _frames(error)
    if frames and frames[-1].tb_frame.f_code.co_name == '__missing__':
        return f"the config has no '{error.args[0]}'."
    for reader in _of_mmengine(frames, _READERS)[-1:]:
        inside = reader.tb_next
        line = getattr(error, 'lineno', None)
        if inside and inside.tb_frame.f_code.co_name == '<module>':
            line = inside.tb_lineno
        if line:
            file = reader.tb_frame.f_locals.get('filename')
            return f"config '{file}', line {line}: {_told(error)}"
    return None


def _told(error: BaseException) -> str:
    """Type and message, without the traceback of a worker."""
    if _text_of_worker(error):
        return f'{type(error).__name__}: {message(error)}'
    return traceback.format_exception_only(error)[-1].strip()


def _frames(error: BaseException) -> list[TracebackType]:
    """The steps of a traceback, outermost first."""
    found, step = [], error.__traceback__
    while step is not None:
        found.append(step)
        step = step.tb_next
    return found


def _of_mmengine(frames: Sequence[TracebackType], names: set[str]
                 ) -> list[TracebackType]:
    """Those that are in functions of MMEngine with such names."""
    codes = [(frame, frame.tb_frame.f_code) for frame in frames]
    return [frame for frame, code in codes if code.co_name in names
            and code.co_filename.startswith(_MMENGINE)]


def _text_of_worker(error: BaseException) -> str | None:
    """The traceback that a worker sent, of a loader or a pool; else None."""
    sent = str(error) if 'Original Traceback' in str(error) else ''
    if type(error.__cause__).__name__ == 'RemoteTraceback':
        sent = str(error.__cause__)
    return sent if _FRAME.search(sent) else None
