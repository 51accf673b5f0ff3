"""One run at a time in a folder, also on several machines."""
import contextlib
import datetime
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator

from mmengine.dist import broadcast_object_list, is_main_process

from rcg.checkpoint import boot_id, lock_file, remove_unfinished
from rcg.engine.console import log
from rcg.files import parse_json, read_json

# Seconds between two signs of life of a run, and without any after which a
# run on another machine counts as dead.
HEARTBEAT, SILENCE = 10., 60.
LOCK = '.lock'  # in a work folder
_HELD: list['FolderLock'] = []


class FolderInUseError(ValueError):
    """Another run writes to the folder."""


class FolderLock:
    """A file that one run at a time can hold.

    Two signs tell whether the holder lives. It holds a lock of the operating
    system (flock), which ends with the process: on the same machine, in
    containers too, this decides at once. On a shared file system other
    machines may not see it. So the holder also renews the file's time every
    10 s. A run on another machine watches this for up to 60 s: with a sign of
    life it is refused, without one it takes the file over. It does not wait
    if the file is older than that by the clock of the file system; clocks of
    two machines are never compared.

    Args:
        path: The file. It is removed when the lock is released.
        use: What the holder does there, for messages: 'trains'.

    Attributes:
        is_held: Whether this process has taken the lock.
    """

    def __init__(self, path: str, use: str) -> None:
        self.path, self.use = os.path.abspath(path), use
        self.is_held, self._token = False, secrets.token_hex(8)
        self._stop = threading.Event()

    def acquire(self, say: Callable[[str], None]) -> None:
        """Take the lock.

        Args:
            say: Is called with a sentence if this takes long.

        Raises:
            FolderInUseError: Another run holds it; the message says which.
        """
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        while not self._try(say):  # released in this moment
            pass
        self.is_held = True
        _HELD.append(self)
        threading.Thread(target=self._beat, daemon=True).start()

    def _try(self, say: Callable[[str], None]) -> bool:
        self._file, is_new = _open(self.path)
        try:
            locked = lock_file(self._file)
            if not self._is_current():
                os.close(self._file)
                return False
            holder = _parse(os.pread(self._file, 4096, 0))
            is_sure = is_new or bool(locked) and (
                holder.get('boot') == boot_id())
            if locked is False or not (
                    is_sure or self._is_silent(holder, say)):
                raise FolderInUseError(self._refusal(holder))
            self._sign()
            if not is_sure:  # several may have waited for the same silence
                time.sleep(SILENCE / 20)
                self.is_held = True
                self.check()
        except BaseException:
            self.is_held = False
            os.close(self._file)
            raise
        return True

    def check(self) -> None:
        """Raise a FolderInUseError if another run has taken over."""
        holder = _read(self.path)
        # Nothing can be read for a moment, or somebody removed the file.
        if self.is_held and holder.get('token', self._token) != self._token:
            raise FolderInUseError(
                f'This run gave no sign of life for {SILENCE:.0f} s, and '
                f'another one took over. {self._refusal(holder)}')

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if not self.is_held:
            return
        self.is_held = False
        _HELD.remove(self)
        self._stop.set()
        if _read(self.path).get('token') == self._token:
            with contextlib.suppress(OSError):
                os.remove(self.path)
        os.close(self._file)

    def _is_current(self) -> bool:
        """Whether the open file is the one that the path names."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _is_silent(self, holder: dict, say: Callable[[str], None]) -> bool:
        """Wait for a sign of life of the holder, and tell if none came."""
        renewed = os.stat(self.path).st_mtime_ns
        left = SILENCE - (self._time_of_folder() - renewed) / 1e9
        if left > 0:
            say(f'{_who(holder)} has used this folder. Waiting for up to '
                f'{left:.0f} s for a sign of life')
        end = time.monotonic() + left
        while time.monotonic() < end:
            time.sleep(min(1., SILENCE / 20))
            # Opened anew: a network file system may keep old times.
            with contextlib.suppress(OSError), open(self.path, 'rb') as file:
                if os.fstat(file.fileno()).st_mtime_ns != renewed:
                    return False
        return True

    def _time_of_folder(self) -> int:
        """What the file system says that it is now, in nanoseconds."""
        probe = f'{self.path}.{self._token}'
        with open(probe, 'xb') as file:
            found = os.fstat(file.fileno()).st_mtime_ns
        os.remove(probe)
        return found

    def _sign(self) -> None:
        now = datetime.datetime.now().astimezone()
        text = json.dumps(dict(
            host=socket.gethostname(), pid=os.getpid(), boot=boot_id(),
            since=now.isoformat(' ', 'seconds'), use=self.use,
            token=self._token))
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)
        os.fsync(self._file)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(self._file)

    def _refusal(self, holder: dict) -> str:
        folder = os.path.dirname(self.path)
        return (
            f"'{folder}' is in use: {_who(holder)} "
            f'{holder.get("use", "works")} there, since '
            f'{holder.get("since", "an unknown time")}. Name another '
            '--work-dir, or end that process first.')


def claim(path: str, use: str, say: Callable[[str], None],
          again: bool = False) -> FolderLock | None:
    """Take a lock for all processes of this run.

    Args:
        path, use: See :class:`FolderLock`.
        say: See :meth:`FolderLock.acquire`.
        again: This process may hold it already.

    Returns:
        The lock on the first process, which holds it; None on others.

    Raises:
        FolderInUseError: On all processes: another run holds it.
        OSError: Likewise: the file cannot be written.
    """
    lock, failed = None, [None]
    if is_main_process():
        if again:
            lock = next((one for one in _HELD
                         if one.path == os.path.abspath(path)), None)
        if lock is None:
            lock = FolderLock(path, use)
            try:
                lock.acquire(say)
            except (FolderInUseError, OSError) as error:
                failed = [error]
    broadcast_object_list(failed)
    if failed[0] is not None:
        raise failed[0]
    return lock


@contextlib.contextmanager
def alone_in_work_folder(runner) -> Iterator[FolderLock | None]:
    """Inside, no other run trains in the work folder of a Runner.

    What killed runs have left half-written there is removed first.

    Raises:
        FolderInUseError: On all processes: another run trains there.
    """
    lock = claim(os.path.join(runner.work_dir, LOCK), 'trains',
                 lambda text: log(runner, text))
    try:
        if lock is not None:
            remove_unfinished(runner.work_dir)
        yield lock
    finally:
        if lock is not None:
            lock.release()


def _open(path: str) -> tuple[int, bool]:
    """Open a file for reading and writing, and tell whether it is new."""
    while True:
        with contextlib.suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            return os.open(path, flags, 0o666), True
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR), False


def _read(path: str) -> dict:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return {}


def _parse(text: bytes) -> dict:
    """What a holder wrote; nothing of a damaged file."""
    try:
        return parse_json(text)
    except ValueError:
        return {}


def _who(holder: dict) -> str:
    return (f'process {holder.get("pid", "unknown")} on '
            f'{holder.get("host", "an unknown machine")}')


def _close_in_child() -> None:
    """A worker that outlives its run must not hold the run's lock."""
    for lock in _HELD:
        lock.is_held = False
        os.close(lock._file)
    _HELD.clear()


os.register_at_fork(after_in_child=_close_in_child)
