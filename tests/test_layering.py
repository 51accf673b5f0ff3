"""Imports inside rcg point down; see the table in CONTRIBUTING.md."""
import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUND = {'rcg.registry', 'rcg.rng', 'rcg.precision', 'rcg.files',
          'rcg.spread', 'rcg.checkpoint', 'rcg.frozen'}
LAYERS = GROUND | {'rcg.models.layers'}
BESIDE = {'rcg.models.data_preprocessor', 'rcg.models.compatibility',
          'rcg.models.sampling_precision'}
PARTS = {'rcg.models.encoders', 'rcg.models.tokenizers'}
# What a file may import from rcg besides its own folder. A prefix allows
# all that is below it.
ALLOWED = {
    # 1. Ground.
    'rcg.registry': set(),
    'rcg.rng': set(),
    'rcg.precision': set(),
    'rcg.files': set(),
    'rcg.spread': set(),
    'rcg.checkpoint': {'rcg.files'},
    'rcg.frozen': {'rcg.checkpoint', 'rcg.precision', 'rcg.registry'},
    # 2. Each of these knows the ground alone.
    'rcg.diffusion': GROUND,
    'rcg.datasets': GROUND,
    'rcg.engine': GROUND,
    # 3. The models.
    'rcg.models.layers': GROUND,
    'rcg.models.compatibility': GROUND,
    'rcg.models.data_preprocessor': GROUND,
    'rcg.models.sampling_precision': GROUND,
    'rcg.models.networks': LAYERS,
    'rcg.models.encoders': LAYERS,
    'rcg.models.tokenizers': LAYERS,
    'rcg.models.diffusers': LAYERS | BESIDE | {'rcg.diffusion'},
    'rcg.models.generators': LAYERS | BESIDE | {'rcg.diffusion'},
    'rcg.models.rcg': GROUND | BESIDE,
    'rcg.models.aligned_rcg': GROUND | {'rcg.models.rcg'},
    'rcg.models': GROUND | {'rcg.models'},
    # 4. Learning the parts; weights of others.
    'rcg.pretraining': LAYERS | BESIDE | PARTS | {'rcg.engine'},
    'rcg.converters': GROUND | {'rcg.engine'},
    # 5. Scores.
    'rcg.evaluation': GROUND | {'rcg.datasets', 'rcg.engine'},
    # 6. What people call.
    'rcg.apis': {'rcg'},
    'rcg.verification': {'rcg'},
    # 7. Commands, and what is built on all this.
    'tools': {'rcg.apis', 'rcg.converters', 'rcg.verification',
              'rcg.checkpoint', 'rcg.engine', 'rcg.evaluation.table'},
    'rcg.projects': {'rcg'},
    'configs': set(),
}
# Registries name the modules whose classes they hold, and import them when
# they are first asked for a type: MMEngine's way, and the only one.
BY_NAME = {'rcg.registry'}


def is_below(name: str, layer: str) -> bool:
    return name == layer or name.startswith(layer + '.')


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imports_of(path: Path, module: str):
    package = module if path.name == '__init__.py' else module.rpartition(
        '.')[0]
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split('.')[:1 + package.count('.')
                                       - node.level + 1]
            base = '.'.join(parts) if node.level else ''
            name = '.'.join(filter(None, [base, node.module]))
            yield from ([name] if node.module or not node.level else
                        [f'{name}.{alias.name}' for alias in node.names])


def names_in_strings(path: Path):
    """Dotted names of modules of rcg that stand in strings."""
    for node in nodes_of(path):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str)
                and re.fullmatch(r'rcg(\.\w+)+', node.value)):
            yield node.value


def files():
    for top in ('rcg', 'tools', 'configs', 'projects'):
        package = ['rcg'] if top == 'projects' else []
        for path in sorted((ROOT / top).rglob('*.py')):
            parts = path.relative_to(ROOT).with_suffix('').parts
            module = '.'.join([*package, *parts])
            yield path, module.removesuffix('.__init__')


def test_imports_point_down():
    wrong, known = [], {name for _, name in files()}
    for path, module in files():
        layers = [layer for layer in ALLOWED if is_below(module, layer)]
        if not layers:
            assert module == 'rcg', f'{module} has no place in the table'
            continue
        layer = max(layers, key=len)
        # A package's own __init__ gathers what is below it.
        allowed = ALLOWED[layer] | {layer}
        names = list(imports_of(path, module))
        if module not in BY_NAME:
            names += [name for name in names_in_strings(path)
                      if name in known]
        for name in names:
            if name.startswith('rcg.') and not any(
                    is_below(name, place) for place in allowed):
                wrong.append(f'{module} imports {name}')
    assert not wrong, '\n'.join(wrong)


def test_nothing_else_is_imported_by_name():
    """But rcg.apis, lazily and its own modules alone: commands start fast."""
    calls = [module for path, module in files()
             for node in nodes_of(path)
             if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                 'importlib.import_module', 'import_module', '__import__')]
    assert calls == ['rcg.apis']


def test_registries_name_packages_that_exist():
    known = {name for _, name in files()}
    for module in BY_NAME:
        path = ROOT / (module.replace('.', '/') + '.py')
        assert set(names_in_strings(path)) <= known


def test_nothing_imports_a_tool():
    """They are commands; those beside them share _cli.py alone."""
    tools = {'tools', *(path.stem for path in (ROOT / 'tools').iterdir())}
    wrong = [f'{module} imports {name}' for path, module in files()
             for name in imports_of(path, module)
             if name.partition('.')[0] in tools
             and not (is_below(module, 'tools') and name == '_cli')]
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
