"""Where logged values and pictures go."""
import contextlib
import importlib.util
import os
import sys
from types import SimpleNamespace

import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from rcg.checkpoint import utf8_path
from rcg.engine.configs.text import formatted
from rcg.registry import VISUALIZERS

# Packages of MMEngine's backends. They import them at their first use.
_PACKAGES = {
    'TensorboardVisBackend': 'tensorboard', 'WandbVisBackend': 'wandb',
    'MLflowVisBackend': 'mlflow', 'ClearMLVisBackend': 'clearml',
    'NeptuneVisBackend': 'neptune', 'DVCLiveVisBackend': 'dvclive pygit2',
    'AimVisBackend': 'aim'}


@VISUALIZERS.register_module()
class ScalarVisualizer(Visualizer):
    """Passes the config, scalars and images to its backends.

    MMEngine's class prepares a figure at every start. Here the first image to
    draw on makes the figure: importing matplotlib takes a second.

    Raises:
        ValueError: A backend's package is not installed.
    """

    def __init__(self, name: str = 'visualizer', *args, **kwargs) -> None:
        super().__init__(name, *args, **kwargs)
        self._links = contextlib.ExitStack()
        for backend in self._vis_backends.values():
            folder = getattr(backend, '_save_dir', None) or ''
            path = self._links.enter_context(utf8_path(folder))
            if path != folder:
                os.makedirs(folder, exist_ok=True)
                backend._save_dir = path
        check_packages(self)

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        return None, SimpleNamespace(get_dpi=lambda: 100.), None

    @master_only
    def set_image(self, image: np.ndarray) -> None:
        """Begin to draw on an image (H, W, 3)."""
        if self.fig_save_canvas is None:
            self.fig_save_canvas, self.fig_save, self.ax_save = (
                super()._initialize_fig(self.fig_save_cfg))
            self.dpi = self.fig_save.get_dpi()
        super().set_image(image)

    @master_only
    def add_config(self, config, **kwargs) -> None:
        """Give the config to each backend; it is formatted once."""
        super().add_config(formatted(config), **kwargs)


def check_packages(visualizer: Visualizer) -> None:
    """Check that backends of MMEngine find what they will import.

    Raises:
        ValueError: A backend's package is not installed.
    """
    for backend in visualizer._vis_backends.values():
        for cls in type(backend).__mro__:
            needed = _PACKAGES.get(cls.__name__, '').split()
            absent = [name for name in needed if not _is_installed(name)]
            if absent:
                names = ' '.join(absent)
                raise ValueError(
                    f'{cls.__name__} needs the package {names}: install it '
                    f'(pip install {names}), or take the backend out of '
                    'visualizer.vis_backends.')


def _is_installed(package: str) -> bool:
    if sys.modules.get(package) is not None:
        return True
    found = importlib.util.find_spec(package)
    # A mere folder of that name, such as W&B's records, has no origin.
    return found is not None and found.origin is not None
