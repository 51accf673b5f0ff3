"""Processes of a run meet, on one machine or on several."""
import datetime
import os
import secrets
import socket
import time

import psutil
from torch import distributed
from torch.distributed.elastic.rendezvous.api import RendezvousError

from . import watch
from .lost import LostProcessError, described

MEETING = 300.  # seconds that processes wait for each other at the start
# The watch ends a process that waits in vain. torch's own timeout comes after
# all that the first process may do alone, such as computing features.
_OF_TORCH = datetime.timedelta(days=1)


def join(backend: str, timeout: float, **kwargs) -> None:
    """Join the process group that the variables of torchrun describe.

    Args:
        backend: Of torch.distributed.
        timeout: Seconds that the others wait for a process later; here they
            wait no longer either.
        **kwargs: Of ``torch.distributed.init_process_group``.

    Raises:
        LostProcessError: The processes did not meet.
    """
    wait = min(timeout, MEETING)
    if backend == 'gloo':
        choose_interface(os.environ['MASTER_ADDR'])
    store, rank, world = _meet(wait)
    store = fresh(store, rank, world, wait)
    watch.start(store, rank, world, timeout, wait)
    try:
        distributed.init_process_group(
            backend, store=store, rank=rank, world_size=world,
            timeout=_OF_TORCH, **kwargs)
    except RuntimeError as error:
        name = os.environ.get('GLOO_SOCKET_IFNAME')
        raise LostProcessError(
            f'rank {rank} (host {socket.gethostname()}) cannot talk to the '
            f"others through the network interface '{name}': "
            f'{described(error)}. Set GLOO_SOCKET_IFNAME to the one that '
            f'connects the machines: {", ".join(psutil.net_if_addrs())}.'
        ) from error


def _meet(seconds: float) -> tuple[distributed.Store, int, int]:
    """A store that all processes share, this one's rank, their number."""
    rank, world = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
    try:
        if rank > 0:
            wait_until_reachable(os.environ['MASTER_ADDR'],
                                 int(os.environ['MASTER_PORT']), seconds)
        return next(distributed.rendezvous(
            'env://', rank, world,
            timeout=datetime.timedelta(seconds=seconds)))
    except (OSError, RuntimeError) as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise LostProcessError(
            f'{world} processes were to meet at {place} within {seconds:g} s; '
            f'rank {rank} (host {socket.gethostname()}) waited in vain: '
            f'{described(error)}. Check that the command runs on all '
            'machines, that the others can reach MASTER_ADDR, an address of '
            'the first one, and that the port is free.') from error


def wait_until_reachable(address: str, port: int, seconds: float) -> None:
    """Wait until somebody listens there.

    torch's store does so as well, but prints traces of its C++ code.

    Raises:
        OSError: Nobody does in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), timeout=max(
                end - time.monotonic(), .1)).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(.2)


def fresh(store: distributed.Store, rank: int, world: int,
          seconds: float) -> distributed.Store:
    """The part of a store that belongs to this start of the processes.

    torchrun keeps a store when it restarts processes. In it are addresses of
    those that have ended. So the first process chooses a new name for its
    part. The others greet it under the name that they find, until it answers.

    Raises:
        LostProcessError: Not all have come in time.
    """
    end = time.monotonic() + seconds
    if rank == 0:
        name = secrets.token_hex(8)
        store.set('rcg start', name)
        absent = set(range(1, world))
        while absent:
            for other in [i for i in absent if store.check([f'{name} {i}'])]:
                store.set(f'{name} to {other}', store.get(f'{name} {other}'))
                absent.remove(other)
            _check_time(end, seconds, sorted(absent))
    else:
        greeting, answer = secrets.token_hex(8), None
        while answer != greeting:
            _check_time(end, seconds, [0])
            if store.check(['rcg start']):
                name = store.get('rcg start').decode()
                store.set(f'{name} {rank}', greeting)
                if store.check([f'{name} to {rank}']):
                    answer = store.get(f'{name} to {rank}').decode()
    return distributed.PrefixStore(name, store)


def _check_time(end: float, seconds: float, absent: list[int]) -> None:
    """Wait a moment; raise a LostProcessError if some come too late."""
    if absent and time.monotonic() > end:
        raise LostProcessError(
            f'{os.environ["WORLD_SIZE"]} processes were to meet within '
            f'{seconds:g} s, and rank {", ".join(map(str, absent))} did not '
            'come. Look at the output of each, and whether the command runs '
            'on all machines.')
    time.sleep(.02)


def choose_interface(address: str) -> None:
    """Let gloo use the network interface that leads to an address.

    By default gloo uses the one that the host's name resolves to, often
    127.0.0.1. GLOO_SOCKET_IFNAME is kept, if it is set.
    """
    if 'GLOO_SOCKET_IFNAME' not in os.environ:
        name = interface_to(address)
        if name is not None:
            os.environ['GLOO_SOCKET_IFNAME'] = name


def interface_to(address: str) -> str | None:
    """Name of the interface that leads to an address; None if none does."""
    try:
        family, _, _, _, target = socket.getaddrinfo(
            address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)  # sends nothing
            own = probe.getsockname()[0]
    except OSError:
        return None
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition('%')[0] == own for one in addresses):
            return name
    return None


def wait_for_first_machine(address: str, port: int, conf: str) -> None:
    """Wait as long as torchrun would, which prints traces of its C++ code.

    Args:
        address, port: Of the first machine.
        conf: ``--rdzv_conf`` of torchrun; its ``timeout`` is in seconds.

    Raises:
        RendezvousError: It does not come.
    """
    options = dict(one.split('=') for one in conf.split(',') if one)
    end = time.monotonic() + float(options.get('timeout', 300))
    while True:
        try:
            socket.create_connection((address, port), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise RendezvousError(str(error)) from error
            time.sleep(.2)
