"""Config files: where those of this project are, and how to inherit them."""
import difflib
from pathlib import Path
from types import FunctionType

from mmengine.config import Config

import rcg

OURS = 'rcg::'


def config_folders() -> list[Path]:
    """Where the configs of this project may be: installed wheel, checkout."""
    package = Path(rcg.__file__).resolve().parent
    return [folder for folder in (package / 'share/configs',
                                  package.parent / 'configs')
            if folder.is_dir()]


def find_config(path: str) -> str:
    """The file of a config, from any current folder.

    Args:
        path: An existing file, or a path in the project's ``configs``, with
            or without that folder's name; or ``rcg::`` and a path in
            ``configs``, which the current folder cannot hide.

    Raises:
        FileNotFoundError: There is none; the message names near ones.
    """
    if str(path).startswith(OURS):
        return _find_ours(str(path))
    given = Path(path).expanduser()
    if given.is_file():
        return str(given)
    relative = (given.relative_to('configs')
                if given.is_relative_to('configs') else given)
    for folder in config_folders():
        if folder.joinpath(relative).is_file():
            return str(folder / relative)
    near = difflib.get_close_matches(
        given.as_posix(), [f'configs/{name}' for name in _names()], n=3)
    hint = f' Did you mean {" or ".join(near)}?' if near else ''
    raise FileNotFoundError(f"There is no config '{path}', neither in the "
                            f'current folder nor in rcg.{hint}')


def _find_ours(path: str) -> str:
    name = path.removeprefix(OURS)
    for folder in config_folders():
        if folder.joinpath(name).is_file():
            return str(folder / name)
    near = difflib.get_close_matches(
        path, [OURS + known for known in _names()], n=3)
    hint = f'; did you mean {" or ".join(map(repr, near))}?' if near else '.'
    raise FileNotFoundError(f"rcg has no config '{path}'{hint}")


def _names() -> list[str]:
    """The configs of this project, as paths in ``configs``."""
    return [file.relative_to(folder).as_posix()
            for folder in config_folders() for file in folder.rglob('*.py')]


class RcgConfig(Config):
    """MMEngine's Config; a ``_base_`` may be one of our configs.

    ``_base_ = 'rcg::digits/dit.py'`` means ``digits/dit.py`` in the project's
    ``configs``, wherever the inheriting file is. All else is MMEngine's.

    MMEngine itself knows ``package::path`` for its sister projects alone:
    its table of packages is closed, it needs the pkg_resources of old
    setuptools, and it adds a scope to the types that are inherited.
    """

    @staticmethod
    def _get_cfg_path(cfg_path: str, filename: str):
        """The path and scope of a base; called for each in ``_base_``."""
        if not cfg_path.startswith(OURS):
            return Config._get_cfg_path(cfg_path, filename)
        try:
            return find_config(cfg_path), None
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"_base_ of '{filename}': {error}") from None


def _calling(config_class: type[Config], function) -> staticmethod:
    """A static method of Config that calls those of a derived class."""
    names = {**function.__globals__, 'Config': config_class}
    return staticmethod(FunctionType(
        function.__code__, names, function.__name__, function.__defaults__))


# These two call the methods of `Config`, by that name, where a class method
# would ask its class: overriding _get_cfg_path would have no effect. So the
# derived class has versions to which that name is its own.
RcgConfig.fromfile = _calling(RcgConfig, Config.fromfile)
RcgConfig._file2dict = _calling(RcgConfig, Config._file2dict)
