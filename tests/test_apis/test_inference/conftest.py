"""A model of few steps, loaded once: no call changes it."""
import pytest

from tests.untrained import inferencer


@pytest.fixture(scope='session')
def rcg(untrained):
    return inferencer(untrained, 3)
