"""Runners of one test do not share logs with those of another."""
from collections import OrderedDict

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

from rcg.engine import ScalarVisualizer


@pytest.fixture(autouse=True)
def instances_of_its_own(monkeypatch):
    """MMEngine's globals go by the config's name and the second of a start.

    RcgRunner takes a name that is free; a stock Runner takes what is there.
    """
    for cls in (MMLogger, MessageHub, ScalarVisualizer, Visualizer):
        monkeypatch.setattr(cls, '_instance_dict', OrderedDict())
