"""Where lines, logged numbers and pictures go."""
import logging
from types import SimpleNamespace

from mmengine.config import Config
from mmengine.visualization import Visualizer

from rcg.registry import VISUALIZERS


def quiet_console(logger: logging.Logger, log_level: str) -> None:
    """Show bare messages on the console; at level 'INFO' only a choice.

    A record is shown if it is a warning or worse, or logged with
    ``extra={'console': True}``. Files keep everything.
    """
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setFormatter(logging.Formatter('%(message)s'))
            if log_level == 'INFO':
                handler.addFilter(
                    lambda record: record.levelno >= logging.WARNING
                    or getattr(record, 'console', False))


@VISUALIZERS.register_module()
class ScalarVisualizer(Visualizer):
    """Passes scalars and images to its backends; draws nothing itself.

    MMEngine's class prepares a matplotlib figure for boxes and masks, and
    each backend stores the config once more: two seconds at every start.
    """

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        return None, SimpleNamespace(get_dpi=lambda: 100.), None

    def add_config(self, config: Config, **kwargs) -> None:
        """Nothing: the Runner writes the config to the work folder."""
