"""MMEngine's Runner, building with the registries of rcg."""
from mmengine.runner import Runner
from torch import nn

from rcg.registry import hints


class HintingRunner(Runner):
    """Names the nearest types and arguments when a config has unknown ones.

    MMEngine builds some parts at once and others when training or testing
    begins.
    """

    @classmethod
    def from_cfg(cls, cfg):
        """Build from a config; see :func:`~rcg.registry.hints`."""
        with hints():
            return super().from_cfg(cfg)

    @hints()
    def train(self) -> nn.Module:
        """Train; see :func:`~rcg.registry.hints`."""
        return super().train()

    @hints()
    def val(self) -> dict:
        """Validate; see :func:`~rcg.registry.hints`."""
        return super().val()

    @hints()
    def test(self) -> dict:
        """Test; see :func:`~rcg.registry.hints`."""
        return super().test()
