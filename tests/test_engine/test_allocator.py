"""Freed memory is kept, unless the environment says how to allocate."""
import os
import subprocess
import sys

import pytest
import torch

from rcg.engine import allocator

# Minor page faults of 20 tensors of 40 MB, each freed before the next. One of
# them takes 9,766 in pages of 4 KiB.
FAULTS = """
import resource, torch
from rcg.engine.allocator import keep_freed_memory
kept = keep_freed_memory()
torch.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(10_000_000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(int(kept), faults)
"""

glibc = pytest.mark.skipif(
    not allocator._is_glibc(), reason='only glibc can be told to keep memory')


def kept_and_faults(**variables: str) -> tuple[bool, int]:
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(('MALLOC_', 'GLIBC_TUNABLES'))}
    variables['CUDA_VISIBLE_DEVICES'] = ''  # with a GPU nothing is kept
    printed = subprocess.run(
        [sys.executable, '-c', FAULTS], env=environment | variables,
        capture_output=True, text=True, check=True).stdout
    kept, faults = printed.split()
    return bool(int(kept)), int(faults)


@glibc
def test_freed_memory_costs_no_page_faults():
    kept, faults = kept_and_faults()
    assert kept
    assert faults < 2 * 9766


@glibc
@pytest.mark.parametrize('variables', [
    {'MALLOC_TRIM_THRESHOLD_': '131072'},
    {'MALLOC_ARENA_MAX': '2'},
    {'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=7'},
])
def test_the_environment_comes_first(variables):
    kept, faults = kept_and_faults(**variables)
    assert not kept


@pytest.mark.parametrize(('thing', 'name', 'value'), [
    (allocator, '_is_glibc', False), (torch.cuda, 'is_available', True)])
def test_other_libraries_and_gpus_are_left_alone(thing, name, value,
                                                 monkeypatch):
    monkeypatch.setattr(thing, name, lambda: value)
    monkeypatch.setattr(allocator.ctypes, 'CDLL', None)  # it would fail
    assert not allocator.keep_freed_memory()
