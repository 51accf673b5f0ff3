"""Where logged values and pictures go."""
from types import SimpleNamespace

from mmengine.visualization import Visualizer

from rcg.registry import VISUALIZERS


@VISUALIZERS.register_module()
class ScalarVisualizer(Visualizer):
    """Passes scalars and images to its backends; draws nothing itself.

    MMEngine's class prepares a figure for bounding boxes, and each of its
    backends stores the config. That takes two seconds at every start.
    """

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        return None, SimpleNamespace(get_dpi=lambda: 100.), None

    def add_config(self, config, **kwargs) -> None:
        """Do nothing: the Runner writes the config to the work folder."""
