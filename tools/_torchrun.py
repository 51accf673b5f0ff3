"""torchrun, with an exit status that says whether to start again.

Takes torchrun's arguments. Its exit status is that of the processes: 75 if a
signal stopped them after they had kept their work, 130 if that was SIGINT.
What goes wrong is told in one sentence, not in a traceback, and once, however
many processes say it.
"""
import argparse
import logging
import os
import signal
import sys
import tempfile

from torch.distributed import DistError, run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError

STOPPED, INTERRUPTED = 75, 130


def main(arguments: list[str]) -> int:
    """Run torchrun; return the exit status."""
    # Seconds that a signalled process has for its step and for saving. It
    # ends itself after 300 (StopOnSignalHook.limit). Versions of torch that
    # do not know the variable kill after 30.
    os.environ.setdefault('TORCH_ELASTIC_SHUTDOWN_TIMEOUT', '310')
    os.environ['RCG_LAUNCHER'] = str(os.getpid())  # processes end with it
    args = run.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        # Who starts processes again wants to read the error at once.
        if not args.max_restarts:
            os.environ['RCG_ERRORS'] = folder
            # It prints a table of processes that failed; so do we.
            logging.getLogger('torch.distributed.elastic').setLevel(
                logging.CRITICAL)
        return launch(args, folder)


def launch(args: argparse.Namespace, folder: str) -> int:
    """Run the processes; return the exit status.

    Args:
        folder: Where they may have left their errors.
    """
    if hasattr(args, 'signals_to_handle'):
        args.signals_to_handle += ',SIGUSR1'
    try:
        if args.rdzv_backend == 'static' and int(args.node_rank) > 0:
            from rcg.engine.processes.meeting import wait_for_first_machine
            wait_for_first_machine(args.master_addr, args.master_port,
                                   args.rdzv_conf)
        run.run(args)
    except ChildFailedError as error:
        return status_of(error, folder)
    except SignalException as stop:
        tell(f'the launcher got {signal.Signals(stop.sigval).name} and handed '
             'it on to its processes')
        tell(left_in(folder)[0])
        return INTERRUPTED if stop.sigval == signal.SIGINT else STOPPED
    except (DistError, RendezvousError) as error:
        tell(f'{args.nnodes} machines were to meet at {args.master_addr}:'
             f'{args.master_port}, and did not: {first_sentence(error)}. See '
             'that the command runs on each of them, with NODE_RANK 0, 1, '
             '..., and that this address is the first one.')
        return 1
    return 0


def status_of(error: ChildFailedError, folder: str | None = None) -> int:
    """The exit status of processes that failed; say which they are, and why.

    Those that the launcher ended (SIGTERM) because another one had failed
    count only where there are no others.

    Args:
        folder: Where the processes may have left their errors.
    """
    codes = {rank: failure.exitcode
             for rank, failure in sorted(error.failures.items())}
    own = {rank: code for rank, code in codes.items()
           if code != -signal.SIGTERM}
    failed = {rank: code for rank, code in own.items()
              if code not in (STOPPED, INTERRUPTED)}
    if own and not failed:
        return max(own.values())
    text, told = left_in(folder)
    for rank, code in (failed or codes).items():
        if rank in told:
            continue
        how = (f'exit status {code}' if code >= 0 else
               f'signal {signal.Signals(-code).name}')
        tell(f'process {rank} ended with {how}')
    tell(text)
    return max(1, *failed.values())


def left_in(folder: str | None) -> tuple[str, set[int]]:
    """The errors that processes have left, and the ranks that they are of."""
    if not folder or not os.listdir(folder):
        return '', set()
    from rcg.engine.processes.complaints import told_once  # takes long
    return told_once(folder)


def first_sentence(error: Exception) -> str:
    """What an error of torch says, without the trace of its C++ frames."""
    return str(error).partition('\n')[0].strip().rstrip('.')


def tell(text: str) -> None:
    if text:
        print(f'\n{text}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
