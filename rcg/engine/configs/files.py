"""Config files: where those of this project are, and how to inherit them."""
import difflib
import importlib.util
import os
import sys
from pathlib import Path
from types import FunctionType, ModuleType

from mmengine.config import Config, ConfigDict
from mmengine.config.utils import ConfigParsingError

import rcg
from rcg.engine.configs import variables
from rcg.engine.configs.merging import without_nones
from rcg.engine.configs.text import source_of

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
    given = Path(os.path.expanduser(path))
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
    """MMEngine's Config; a file may inherit one of our configs.

    ``_base_ = 'rcg::digits/dit.py'`` means ``digits/dit.py`` in the project's
    ``configs``, wherever the inheriting file is. A pure-Python config writes
    ``from rcg.configs.digits.dit import *`` in ``with read_base():``.
    ``{{$NAME:default}}`` and ``{{ fileDirname }}`` are read as values; see
    :mod:`~rcg.engine.configs.variables`. All else is MMEngine's.

    MMEngine itself knows ``package::path`` for its sister projects alone:
    its table of packages is closed, it needs the pkg_resources of old
    setuptools, and it adds a scope to the types that are inherited.
    """

    @staticmethod
    def _get_cfg_path(cfg_path: str, filename: str):
        """The path and scope of a base; called for each in ``_base_``."""
        cfg_path = variables.decoded(cfg_path)
        if not cfg_path.startswith(OURS):
            local = os.path.join(os.path.dirname(filename), cfg_path)
            if os.path.isfile(local):  # '::' may be in a folder's name
                return local, None
            return Config._get_cfg_path(cfg_path, filename)
        try:
            return find_config(cfg_path), None
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"_base_ of '{filename}': {error}") from None

    @staticmethod
    def _merge_a_into_b(a: dict, b: dict, allow_list_keys: bool = False):
        """Merge a child into its base; see :func:`without_nones`."""
        return Config._merge_a_into_b(a, without_nones(b, a), allow_list_keys)

    @staticmethod
    def _substitute_predefined_vars(filename: str, temp_config_name: str):
        variables.set_predefined(filename, temp_config_name)

    @staticmethod
    def _substitute_env_variables(filename: str, temp_config_name: str):
        return variables.set_environment(filename, temp_config_name)

    @property
    def pretty_text(self) -> str:
        """The content as source, which gives it again when it is read."""
        return source_of(self)

    @staticmethod
    def _parse_lazy_import(filename: str) -> tuple[ConfigDict, set[str]]:
        """Variables of a pure-Python config, and which of them are imports.

        Called for the file and for each of its bases. Bases may also be of
        the older kind, as our configs are: with ``_base_`` and type strings.

        Raises:
            ConfigParsingError: The file calls what it imports.
        """
        if RcgConfig._is_lazy_import(filename):
            try:
                content, imported = _parse_pure(filename)
            except RuntimeError as error:
                if str(error):
                    raise
                raise ConfigParsingError(
                    f"'{filename}' calls a function that it imports. MMEngine "
                    'imports only after it has read a pure-Python config (in '
                    'a virtual environment os and math, too): write the '
                    'value, or a config with _base_ and type strings.'
                ) from error
        else:
            content, imported = RcgConfig._file2dict(filename)[0], set()
        # As MMEngine does in configs of the older kind.
        return RcgConfig._dict_to_config_dict_lazy({
            key: value for key, value in dict.items(content)
            if not isinstance(value, (FunctionType, ModuleType))}), imported


def _calling(function, **names) -> FunctionType:
    """A function of MMEngine to which some global names mean other things."""
    return FunctionType(function.__code__, {**function.__globals__, **names},
                        function.__name__, function.__defaults__)


def _folder_of(package: str) -> str:
    """Where the configs of ``from package.configs.name import *`` are.

    MMEngine's own function needs the pkg_resources of old setuptools.

    Raises:
        ModuleNotFoundError: There is no such package.
    """
    if package == rcg.__name__:
        return str(config_folders()[0].parent)
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"a config inherits from the package '{package}', which is not "
            'installed. Configs beside each other are imported with a dot: '
            'from .name import *')
    return str(Path(spec.origin).parent)


# These call the methods of `Config`, by that name, where a class method
# would ask its class: overriding one would have no effect. So the derived
# class has versions to which that name is its own.
RcgConfig.fromfile = staticmethod(_calling(
    Config.fromfile, Config=RcgConfig))
_read_file = _calling(Config._file2dict, Config=RcgConfig)
_parse_pure = _calling(Config._parse_lazy_import, Config=RcgConfig,
                       get_installed_path=_folder_of)


def _file2dict(filename: str, *args, **kwargs):
    """Content, text and environment variables of a config with its bases."""
    content, text, used = _read_file(filename, *args, **kwargs)
    if not filename.endswith('.py'):
        content = variables.decoded(content)
    if sys.getfilesystemencoding() != 'utf-8':
        content = variables.encodable(content)
    return content, text, used


RcgConfig._file2dict = staticmethod(_file2dict)
