"""Imports inside rcg point down; see the table in CONTRIBUTING.md."""
import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOTTOM = {'rcg.registry', 'rcg.rng', 'rcg.precision', 'rcg.checkpoint'}
MODELS = 'rcg.models.'
BESIDE = {MODELS + 'frozen', MODELS + 'data_preprocessor', MODELS + 'fit'}
# What a file may import from rcg besides its own folder. A prefix allows
# all that is below it.
ALLOWED = {
    'rcg.registry': set(),
    'rcg.rng': set(),
    'rcg.precision': set(),
    'rcg.checkpoint': set(),
    'rcg.diffusion': BOTTOM,
    'rcg.datasets': BOTTOM,
    'rcg.evaluation': BOTTOM,
    'rcg.engine': BOTTOM,
    'rcg.models.layers': BOTTOM,
    'rcg.models.frozen': BOTTOM,
    'rcg.models.fit': BOTTOM,
    'rcg.models.data_preprocessor': BOTTOM,
    'rcg.models.networks': BOTTOM | {MODELS + 'layers'},
    'rcg.models.encoders': BOTTOM | {MODELS + 'layers'},
    'rcg.models.tokenizers': BOTTOM | {MODELS + 'layers'},
    'rcg.models.diffusers': BOTTOM | BESIDE | {MODELS + 'layers',
                                               'rcg.diffusion'},
    'rcg.models.generators': BOTTOM | BESIDE | {MODELS + 'layers',
                                                'rcg.diffusion'},
    'rcg.models.rcg': BOTTOM | BESIDE,
    'rcg.models': {'rcg.models'},
    'rcg.apis': {'rcg'},
    'tools': {'rcg.apis', 'rcg.evaluation', 'rcg.engine', 'rcg.registry',
              'rcg.rng', 'rcg.precision', 'rcg.checkpoint',
              'rcg.datasets'},
    'tools.converters': {'rcg.checkpoint'},
    # It drives single parts, not only what the method does with them.
    'tools.reference': {'rcg'},
    'configs': set(),
    'rcg.projects': {'rcg'},
    'rcg.projects.pretraining': BOTTOM | BESIDE | {
        MODELS + 'layers', MODELS + 'encoders', MODELS + 'tokenizers'},
}


def is_below(name: str, layer: str) -> bool:
    return name == layer or name.startswith(layer + '.')


def imports_of(path: Path, module: str):
    package = module if path.name == '__init__.py' else module.rpartition(
        '.')[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split('.')[:1 + package.count('.')
                                       - node.level + 1]
            base = '.'.join(parts) if node.level else ''
            name = '.'.join(filter(None, [base, node.module]))
            yield from ([name] if node.module or not node.level else
                        [f'{name}.{alias.name}' for alias in node.names])


def files():
    for top in ('rcg', 'tools', 'configs', 'projects'):
        package = ['rcg'] if top == 'projects' else []
        for path in sorted((ROOT / top).rglob('*.py')):
            parts = path.relative_to(ROOT).with_suffix('').parts
            module = '.'.join([*package, *parts])
            yield path, module.removesuffix('.__init__')


def test_imports_point_down():
    wrong = []
    for path, module in files():
        layers = [layer for layer in ALLOWED if is_below(module, layer)]
        if not layers:
            assert module == 'rcg', f'{module} has no place in the table'
            continue
        layer = max(layers, key=len)
        # A package's own __init__ gathers what is below it.
        allowed = ALLOWED[layer] | {layer}
        for name in imports_of(path, module):
            if name.startswith('rcg.') and not any(
                    is_below(name, place) for place in allowed):
                wrong.append(f'{module} imports {name}')
    assert not wrong, '\n'.join(wrong)


def test_rcg_imports_no_tool():
    """They are outside the package; most are imported by a bare name."""
    tools = {'tools', *(path.stem for path in (ROOT / 'tools').iterdir())}
    wrong = [f'{module} imports {name}' for path, module in files()
             if is_below(module, 'rcg') for name in imports_of(path, module)
             if name.partition('.')[0] in tools]
    assert not wrong, '\n'.join(wrong)


def test_projects_are_imported_by_projects_alone():
    wrong = [f'{module} imports {name}' for path, module in files()
             if not is_below(module, 'rcg.projects')
             for name in imports_of(path, module)
             if is_below(name, 'rcg.projects')]
    assert not wrong, '\n'.join(wrong)


def test_configs_import_nothing():
    for path, module in files():
        if module.startswith('configs'):
            assert not list(imports_of(path, module)), path
