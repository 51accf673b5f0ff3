"""What there is to choose from: parts by registry, configs by paper row."""
import ast
import re
from pathlib import Path

from rcg import registry
from rcg.engine.configs.files import config_folders

# Word on the command line: the registry.
KINDS = {
    'encoders': registry.ENCODERS,
    'generators': registry.PIXEL_GENERATORS,
    'tokenizers': registry.TOKENIZERS,
    'diffusers': registry.REPRESENTATION_DIFFUSERS,
    'samplers': registry.TASK_UTILS,
    'datasets': registry.DATASETS,
    'metrics': registry.METRICS,
}
CONFIGS = 'configs'


def list_parts(kind: str) -> list[tuple[str, str]]:
    """Names of the parts of a kind, and the first line about each.

    Args:
        kind: A key of ``KINDS``.
    """
    found = KINDS[kind]
    found.import_from_location()
    classes = dict(sorted(found.module_dict.items()))
    if kind == 'samplers':  # the registry holds noise schedules, too
        classes = {name: cls for name, cls in classes.items()
                   if name.endswith('Sampler')}
    return [(name, first_line(cls.__doc__)) for name, cls in classes.items()]


def list_configs() -> list[tuple[str, str, str]]:
    """Configs that can be trained: path, first line, rows of the paper.

    The rows are those of configs/README.md, several with ' | ' between them,
    and '' for a config without one.
    """
    folder = next(iter(config_folders()))
    page = folder / 'README.md'
    rows = rows_of(page.read_text('utf-8')) if page.exists() else {}
    found = []
    for file in sorted(folder.glob('*/*.py')):
        name = file.relative_to(folder).as_posix()
        if not name.startswith('_base_'):
            found.append((f'configs/{name}', _first_line_of(file),
                          ' | '.join(rows.get(name, ()))))
    return found


def rows_of(page: str) -> dict[str, list[str]]:
    """Rows of the paper by config, of the table in configs/README.md."""
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if not line.startswith('|') or len(cells) != 6:
            continue
        title, commands, fid, *_ = cells
        names = re.findall(r'(\w+/\w+\.py)', commands.replace('tools/', ''))
        for name in dict.fromkeys(names):
            rows.setdefault(name, []).append(f'{title} (FID {fid})')
    return rows


def first_line(doc: str | None) -> str:
    """The first line of a docstring; '' without one."""
    return (doc or '').strip().partition('\n')[0]


def _first_line_of(file: Path) -> str:
    """What a config says about itself; it is not run."""
    text = file.read_text('utf-8')
    doc = ast.get_docstring(ast.parse(text))
    if doc is None and text.startswith('#'):
        doc = text.partition('\n')[0].lstrip('# ')
    return first_line(doc)
