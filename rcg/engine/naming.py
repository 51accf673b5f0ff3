"""What a run is called in logs and protocols."""
from pathlib import PureWindowsPath


def stage_name(runner) -> str:
    """The name of the config file, or of the model's class."""
    path = runner.cfg.filename
    return (runner.model_name if path is None
            else PureWindowsPath(path).name.removesuffix('.py'))
