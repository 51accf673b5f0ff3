"""Fixtures of several folders."""
import gc
import sys
from pathlib import Path

import pytest

# Commands import _cli, which is beside them: found when one is run as a
# script, and through this when a test imports it as tools.NAME.
sys.path.append(str(Path(__file__).parents[1] / 'tools'))

gc.disable()  # while tests are collected: nothing that is imported is garbage


@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory):
    """Keep what is computed for good out of the user's cache folder."""
    folder = tmp_path_factory.mktemp('cache')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_CACHE', str(folder))
        yield folder


@pytest.fixture(scope='session')
def untrained(tmp_path_factory):
    from .untrained import write_models  # only who asks waits for PyTorch
    root = tmp_path_factory.mktemp('digits')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_ROOT', str(root))
        write_models(root)
    return root


@pytest.fixture
def digits_root(untrained, monkeypatch):
    """A folder of untrained digits models, which is RCG_ROOT."""
    monkeypatch.setenv('RCG_ROOT', str(untrained))
    return untrained


def pytest_collection_finish():
    """Let no collection of garbage look at what was imported again."""
    gc.collect()
    gc.freeze()
    gc.enable()
