"""The project of a folder: small configs that inherit a preset."""
import pprint
import re
from pathlib import Path

from rcg.engine.configs.files import find_config
from rcg.engine.configs.variables import without_variables

STAGES = 'encoder', 'tokenizer', 'rdm', 'mage', 'mage_uncond'
FILES = ('parts', *STAGES, 'mage_class_cond', 'pixels', 'pixels_uncond',
         'pixels_class_cond')


def write_project(out: Path, folder: str, preset: str,
                  values: dict) -> None:
    """Write settings.py and the stages of a project.

    Files that are there stay as they are: they may have been edited.

    Args:
        out: Folder of the project.
        folder: Of the images.
        preset: Name of a preset in configs/folder.
        values: What differs from the preset, by the name of the variable.
    """
    out.mkdir(parents=True, exist_ok=True)
    text = (f'"""The numbers of this project; all else follows from them.\n\n'
            'Each value replaces that of the preset. After a change, train '
            'again what\ndepends on it.\n"""\n'
            f"_base_ = 'rcg::folder/{preset}.py'\n"
            "_root = '{{ fileDirname }}'  # stages stand beside this file\n"
            f'_data_root = {without_variables(repr(folder))}\n')
    for name, value in values.items():
        value = pprint.pformat(value, width=70, sort_dicts=False)
        text += f'{name} = {without_variables(value)}\n'
    _write_new(out / 'settings.py', text)
    for name in FILES:
        text = Path(find_config(f'rcg::folder/{name}.py')).read_text('utf-8')
        _write_new(out / f'{name}.py', _of_project(text, name))


def _of_project(text: str, name: str) -> str:
    """The text of a stage of ours, for a project elsewhere."""
    text = text.replace("'{{$RCG_PRESET:./small_64.py}}'",
                        "'./settings.py'")
    text = text.replace("'../_base_/", "'rcg::_base_/")
    text = re.sub(r'(?:export )?RCG_\w+=\S+(?: RCG_\w+=\S+)*(?:\n   )? ',
                  '', text)
    for ours in ('configs/folder/', 'work_dirs/folder/'):
        text = text.replace(ours, '')
    return text


def _write_new(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, 'utf-8')


def set_value(out: Path, name: str, value: float | str) -> None:
    """Set a variable of settings.py, where it is a line of its own."""
    path = out / 'settings.py'
    text = path.read_text('utf-8')
    line = f'{name} = {without_variables(repr(value))}'
    text, count = re.subn(rf'(?m)^{name} = .*$', lambda _: line, text)
    path.write_text(text if count else f'{text}{line}\n', 'utf-8')
