"""Where a thread of this process is."""
import sys
import sysconfig
import threading
from pathlib import Path

_LIBRARIES = tuple({sysconfig.get_path(name) for name in
                    ('stdlib', 'platstdlib', 'purelib', 'platlib')})
# Files of functions that wait for other processes.
_COLLECTIVE = ('torch/distributed/', 'torch/autograd/', 'mmengine/dist/',
               'torch/nn/parallel/distributed')


def main_thread_place() -> tuple[str, bool]:
    """Where the main thread is, and whether it waits for other processes.

    Returns:
        Such as 'at folders.py:120 in _read', the innermost line that is not
        of a library; and whether it is in a collective operation or in a
        backward pass, which has some.
    """
    frame = sys._current_frames().get(threading.main_thread().ident)
    place, waits = '', False
    while frame is not None:
        name = frame.f_code.co_filename
        waits = waits or any(part in name for part in _COLLECTIVE)
        if not place and not name.startswith((*_LIBRARIES, '<')):
            place = (f'at {Path(name).name}:{frame.f_lineno} in '
                     f'{frame.f_code.co_name}')
        frame = frame.f_back
    return place, waits
