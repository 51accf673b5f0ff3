"""Functions in two processes, with the variables that torchrun sets."""
import contextlib
import multiprocessing
import os
import queue
import traceback

import pytest
import torch

from tests.forked import launched


def run_two(function, *args) -> None:
    """Call a function in two forks; if one fails, the test does."""
    context = multiprocessing.get_context('fork')
    failures = context.Queue()
    processes = [context.Process(
        target=_call, args=(variables, failures, function, args))
        for variables in launched(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        process.kill()
    with contextlib.suppress(queue.Empty):
        pytest.fail(failures.get(timeout=.1))
    for process in processes:
        process.join()
        assert process.exitcode == 0


def _call(variables, failures, function, args) -> None:
    os.environ.update(variables)
    torch.set_num_threads(1)
    try:
        function(*args)
    except BaseException:
        failures.put(traceback.format_exc())
