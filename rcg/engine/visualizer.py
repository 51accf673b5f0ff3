"""Where logged values and pictures go."""
from types import SimpleNamespace

from mmengine.visualization import Visualizer

from rcg.registry import VISUALIZERS


@VISUALIZERS.register_module()
class ScalarVisualizer(Visualizer):
    """Passes scalars and images to its backends; draws nothing itself.

    MMEngine's class prepares a figure for boxes, and each backend stores the
    config once more: two seconds at every start.
    """

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        return None, SimpleNamespace(get_dpi=lambda: 100.), None

    def add_config(self, config, **kwargs) -> None:
        """Nothing: the Runner writes the config to the work folder."""
