"""The configs that training runs left beside their checkpoints."""
import ast
import os

from rcg.files import read_regular

MAX_CONFIG_BYTES = 4 << 20


def run_configs(path: str) -> list[str]:
    """Configs of the training runs in a work folder, the newest first.

    A run writes its whole config there, with all options. Files are not
    executed: a config of a run consists of assignments, among them ``model``,
    ``train_cfg`` and ``work_dir``, and inherits nothing. So scripts, configs
    that people write and those of tests are told apart from it.

    Args:
        path: A work folder, or a file in one.
    """
    path = os.path.expanduser(str(path))
    folder = path if os.path.isdir(path) else os.path.dirname(path) or '.'
    try:
        names = [name for name in os.listdir(folder) if name.endswith('.py')]
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in sorted(names)]
    found = [path for path in paths if _is_of_a_run(path)]
    return sorted(found, key=os.path.getmtime, reverse=True)


def _is_of_a_run(path: str) -> bool:
    try:
        body = ast.parse(read_regular(path, MAX_CONFIG_BYTES)).body
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    if not all(isinstance(line, ast.Assign) for line in body):
        return False
    values = {target.id: line.value for line in body
              for target in line.targets if isinstance(target, ast.Name)}
    trains = values.get('train_cfg')
    if isinstance(trains, ast.Constant) or '_base_' in values:
        return False
    return {'model', 'train_cfg', 'work_dir'} <= values.keys()
