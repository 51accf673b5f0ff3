"""torchrun, with an exit status that says whether to start again.

Takes torchrun's arguments. Its exit status is that of the processes: 75 if a
signal stopped them after they had kept their work, 130 if that was SIGINT.
What goes wrong is told in one sentence, not in a traceback.
"""
import argparse
import os
import signal
import socket
import sys
import time

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
    if hasattr(args, 'signals_to_handle'):
        args.signals_to_handle += ',SIGUSR1'
    try:
        if args.rdzv_backend == 'static' and int(args.node_rank) > 0:
            wait_for_first_machine(args)
        run.run(args)
    except ChildFailedError as error:
        return status_of(error)
    except SignalException as stop:
        tell(f'the launcher got {signal.Signals(stop.sigval).name} and handed '
             'it on to its processes')
        return INTERRUPTED if stop.sigval == signal.SIGINT else STOPPED
    except (DistError, RendezvousError) as error:
        tell(f'{args.nnodes} machines were to meet at {args.master_addr}:'
             f'{args.master_port}, and did not: {first_sentence(error)}. See '
             'that the command runs on each of them, with NODE_RANK 0, 1, '
             '..., and that this address is the first one.')
        return 1
    return 0


def wait_for_first_machine(args: argparse.Namespace) -> None:
    """Wait as long as torchrun would, which prints traces of its C++ code.

    Raises:
        RendezvousError: It does not come.
    """
    options = dict(one.split('=') for one in args.rdzv_conf.split(',') if one)
    end = time.monotonic() + float(options.get('timeout', 300))
    while True:
        try:
            socket.create_connection((args.master_addr, args.master_port),
                                     timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise RendezvousError(str(error)) from error
            time.sleep(.2)


def status_of(error: ChildFailedError) -> int:
    """The exit status of processes that failed; say which they are.

    Those that the launcher ended (SIGTERM) because another one had failed
    count only where there are no others.
    """
    codes = {rank: failure.exitcode
             for rank, failure in sorted(error.failures.items())}
    own = {rank: code for rank, code in codes.items()
           if code != -signal.SIGTERM}
    failed = {rank: code for rank, code in own.items()
              if code not in (STOPPED, INTERRUPTED)}
    if own and not failed:
        return max(own.values())
    for rank, code in (failed or codes).items():
        how = (f'exit status {code}' if code >= 0 else
               f'signal {signal.Signals(-code).name}')
        tell(f'process {rank} ended with {how}')
    return max(1, *failed.values())


def first_sentence(error: Exception) -> str:
    """What an error of torch says, without the trace of its C++ frames."""
    return str(error).partition('\n')[0].strip().rstrip('.')


def tell(text: str) -> None:
    print(f'\n{text}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
