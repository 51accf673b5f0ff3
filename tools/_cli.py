"""What the commands share. Imports nothing that takes long before its use."""
import argparse
import atexit
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# Threads that wait for each other sleep instead of spinning: on a machine with
# other work a step is two to ten times as fast. Read when PyTorch is loaded.
os.environ.setdefault('OMP_WAIT_POLICY', 'passive')

# Arguments of several commands: flags, and what add_argument takes.
ARGUMENTS = {
    'config': (['config'], dict(help='config file')),
    'checkpoint': (['checkpoint'], dict(help='file or work folder')),
    'own_checkpoint': (['checkpoint'], dict(
        nargs='?', help='file or work folder; if it is the only argument, '
        'its own config is used')),
    'work_dir': (['--work-dir'], dict(
        help='where logs go; default: work_dir of the config, else '
        'work_dirs/<config name>')),
    'device': (['--device'], dict(help='cuda, cpu, ...')),
    'cfg_options': (['--cfg-options'], dict(
        nargs='+', metavar='KEY=VALUE', default=[],
        help='override config entries: a.b=1')),
    'launcher': (['--launcher'], dict(
        default='none', choices=('none', 'pytorch', 'slurm'))),
    'local_rank': (['--local-rank', '--local_rank'], dict(
        type=int, default=0, help='set by old launchers')),
    'check': (['--check'], dict(
        action='store_true', help='look for all that is missing, and stop')),
    'debug': (['--debug'], dict(
        action='store_true', help='show the traceback of errors')),
}


def make_parser(doc: str, **options) -> argparse.ArgumentParser:
    """A parser whose help is the docstring of the command as it stands."""
    for stream in sys.stdout, sys.stderr:  # names of files may be any bytes
        stream.reconfigure(errors='backslashreplace')
    return argparse.ArgumentParser(
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter, **options)


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add some of ``ARGUMENTS``."""
    for name in names:
        flags, options = ARGUMENTS[name]
        parser.add_argument(*flags, **options)


def announce(text: str) -> None:
    """Print a first line, on one process: what follows takes seconds."""
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        print(text, flush=True)


@contextmanager
def friendly_errors(debug: bool, resume: str = 'go on with --resume'
                    ) -> Iterator[None]:
    """Turn errors of users into one paragraph and exit status 1.

    Other errors are bugs: their traceback comes first. With ``debug`` every
    error does what Python does. :mod:`rcg.engine.errors` tells the two apart.
    Log files get every traceback. After success the process group is closed.
    ``resume`` says what to do after an interruption.
    """
    done = threading.Event()
    atexit.register(_leave, done)  # before other handlers: runs after them
    try:
        from torch import distributed

        from rcg.engine import console, errors
        from rcg.engine.processes.complaints import complain
        from rcg.engine.processes.stopping import stoppable
    except ModuleNotFoundError as error:
        sys.exit(f"error: there is no module '{error.name}'. Install the "
                 'project first: pip install -e . (in its folder)')
    try:
        with stoppable(resume):
            yield
    except KeyboardInterrupt:
        complain(f'interrupted; {resume}')
        sys.exit(130)
    except Exception as error:
        logs = console.write_to_log_files(error)
        if debug:
            raise
        trace = '' if errors.is_users(error) else ''.join(
            traceback.format_exception(error))
        complain(errors.explain(error, logs), errors.explain(error), trace)
        sys.exit(1)
    else:  # after an error, other processes may never come to this point
        if distributed.is_initialized():
            distributed.destroy_process_group()
            done.set()


def _leave(done: threading.Event) -> None:
    """End one of several processes at once, if its work is done.

    Gloo's threads live as long as anything holds the process group. If one of
    them releases a tensor while Python shuts down, it aborts the process.
    """
    if done.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
