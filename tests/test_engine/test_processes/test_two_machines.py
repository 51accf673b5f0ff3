"""Two machines: here two network namespaces with a wire between them."""
import os
import subprocess

import pytest

from tests.forked import start as start_tool
from tests.forked import status_of

from ..faults import training


def ip(*words):
    subprocess.run(['ip', *words], check=True, capture_output=True)


@pytest.fixture
def machines():
    """Names of two namespaces; the first one has the address 10.77.0.1."""
    names = [f'rcg{os.getpid()}{side}' for side in 'ab']
    try:
        for name in names:
            ip('netns', 'add', name)
        wires = [f'w{os.getpid()}{side}' for side in 'ab']
        ip('link', 'add', wires[0], 'type', 'veth', 'peer', wires[1])
        for i, (name, wire) in enumerate(zip(names, wires, strict=True)):
            ip('link', 'set', wire, 'netns', name)
            ip('-n', name, 'addr', 'add', f'10.77.0.{i + 1}/24', 'dev', wire)
            ip('-n', name, 'link', 'set', wire, 'up')
            ip('-n', name, 'link', 'set', 'lo', 'up')
    except (OSError, subprocess.CalledProcessError) as error:
        _remove(names)
        pytest.skip(f'no network namespaces here: {error}')
    yield names
    _remove(names)


def _remove(names):
    for name in names:
        subprocess.run(['ip', 'netns', 'del', name], check=False,
                       capture_output=True)


def start(machines, folder, **variables):
    """One process on each; the host's name leads to 127.0.0.1 on both."""
    arguments = training(folder, ['train_cfg = dict(max_iters=6)'])
    return [start_tool(
        'train.py', *arguments, '--launcher', 'pytorch',
        out=folder / f'{rank}.log', TEST_NETWORK=name, RANK=str(rank),
        LOCAL_RANK='0', WORLD_SIZE='2', MASTER_ADDR='10.77.0.1',
        MASTER_PORT='29500', **variables)
        for rank, name in enumerate(machines)]


def test_interface_is_found(machines, tmp_path):
    ranks = start(machines, tmp_path)
    assert [status_of(rank) for rank in ranks] == [0, 0], [
        (tmp_path / f'{i}.log').read_text() for i in range(2)]
    assert (tmp_path / 'iter_6.pth').exists()


def test_wrong_interface_is_named(machines, tmp_path):
    ranks = start(machines, tmp_path, GLOO_SOCKET_IFNAME='lo')
    assert [status_of(rank) for rank in ranks] == [1, 1]
    output = (tmp_path / '0.log').read_text()
    assert "through the network interface 'lo'" in output
    assert 'Set GLOO_SOCKET_IFNAME' in output
    assert 'Traceback' not in output
