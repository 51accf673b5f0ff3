"""MMEngine's Runner, building with the registries of rcg."""
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from torch import nn

from rcg.engine.configs.stages import naming_stages
from rcg.engine.data_loading import check_files, named_workers
from rcg.engine.frozen_parts import share_hashes
from rcg.engine.processes import signals
from rcg.engine.processes.stopping import failing_together
from rcg.engine.visualizer import check_packages
from rcg.registry import MODELS, hints


class HintingRunner(Runner):
    """Names the nearest types and arguments when a config has unknown ones.

    MMEngine builds some parts at once and others when training or testing
    begins.
    """

    @classmethod
    def from_cfg(cls, cfg):
        """Build from a config; see :func:`~rcg.registry.hints`."""
        with hints(), naming_stages(cfg):
            return super().from_cfg(cfg)

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build by our registry: the model may have an ``init_cfg``."""
        if isinstance(model, dict):
            model = MODELS.build(model)
        model = super().build_model(model)
        share_hashes(model)
        return model

    def build_visualizer(self, visualizer: Visualizer | dict | None = None
                         ) -> Visualizer:
        """Build, also one of MMEngine, if its backends can work.

        Raises:
            ValueError: A backend's package is not installed.
        """
        visualizer = super().build_visualizer(visualizer)
        check_packages(visualizer)
        return visualizer

    @named_workers()
    @hints()
    @signals.restored()
    @failing_together()
    def train(self) -> nn.Module:
        """Train; see :func:`~rcg.registry.hints`.

        Raises:
            RuntimeError: Too many files are bad of those that were read; see
                :func:`~rcg.engine.data_loading.check_files`.
        """
        with naming_stages(self.cfg):
            model = super().train()
            check_files(self.train_dataloader.dataset)
            return model

    @named_workers()
    @hints()
    @signals.restored()
    @failing_together()
    def val(self) -> dict:
        """Validate; see :func:`~rcg.registry.hints`."""
        with naming_stages(self.cfg):
            return super().val()

    @named_workers()
    @hints()
    @signals.restored()
    @failing_together()
    def test(self) -> dict:
        """Test; see :func:`~rcg.registry.hints`."""
        with naming_stages(self.cfg):
            return super().test()
