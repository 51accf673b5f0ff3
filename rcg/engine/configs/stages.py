"""Which command trains the stage whose checkpoint is missing."""
import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from rcg.checkpoint import MissingCheckpointError
from rcg.engine.configs.files import RcgConfig, config_folders
from rcg.engine.configs.quiet import quiet_reading


@contextlib.contextmanager
def naming_stages(cfg: Config | dict) -> Iterator[None]:
    """Let the error of a missing checkpoint name the command that makes it.

    Args:
        cfg: The config that names the checkpoint.

    Raises:
        MissingCheckpointError: As it came, with another text if a config is
            found whose work folder should hold the checkpoint.
    """
    try:
        yield
    except MissingCheckpointError as error:
        config = find_stage(error.path, getattr(cfg, 'filename', None))
        if config is None:
            raise
        raise MissingCheckpointError(
            f"There is no checkpoint in '{error.path}': this stage comes "
            'first and has not been trained. Train it: python tools/train.py '
            f'{shlex.quote(config)}', error.path) from error


def find_stage(path: str, user: str | None) -> str | None:
    """The config that trains into a work folder.

    It has the folder's name, stands beside the config in use or, if a single
    one does, among those of the project, and says that its work folder is
    this one.

    Args:
        path: The work folder, or a checkpoint that should be in it.
        user: File of the config that needs the checkpoint.
    """
    folder = Path(path).expanduser().absolute()
    if folder.suffix in ('.pth', '.safetensors'):
        folder = folder.parent
    name = f'{folder.name}.py'
    beside = [Path(user).parent / name] if user else []
    ours = [file for configs in config_folders()
            for file in sorted(configs.glob(f'*/{name}'))]
    for files in (beside, ours):
        found = [file for file in files if _trains_into(file, folder)]
        if len(found) == 1:
            near = found[0].is_relative_to(Path.cwd())
            return os.path.relpath(found[0]) if near else str(found[0])
    return None


def _trains_into(config: Path, folder: Path) -> bool:
    if not config.is_file():
        return False
    # A config is code, and may fail in any way.
    with contextlib.suppress(Exception), quiet_reading():
        work_dir = RcgConfig.fromfile(str(config)).get('work_dir')
        return Path(work_dir).expanduser().absolute() == folder
    return False
