"""What can run code of a file, a name or the network is listed, with reasons.

``python -m tests.test_source`` prints what is new and what is gone. A line
of PLACES is 'file function: name' and the reason why that is safe.
"""
import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('rcg', 'tools', 'projects', 'configs', 'demo', 'docs', 'tests')

# Names that are looked for, in full. Of pickle, all but what reads nothing.
RISKY = re.compile(
    r'(eval|exec|compile|__import__|builtins\.(eval|exec|compile|__import__)|'
    r'torch\.(load|jit\.load|package.*|serialization\.load|'
    r'hub\.(load|download)\w*)|'
    r'(_?pickle|dill|cloudpickle)(\.(?!UnpicklingError|PicklingError|dumps?|'
    r'Pickler|[A-Z0-9_]+(\[|$)).*)?|'
    r'(marshal|shelve|joblib|ctypes|cffi)(\..*)?|numpy\.load|'
    r'yaml\.(\w*load\w*|\w*Loader)|tempfile\.mktemp|'
    r'os\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*)|'
    r'subprocess\.(getoutput|getstatusoutput)|runpy\.\w+|'
    r'importlib\.import_module|urllib\.request\.\w+|requests\.\w+)')
RISKY_ARGUMENTS = {('shell', 'True'), ('weights_only', 'False'),
                   ('allow_pickle', 'True')}
IN_SHELL = re.compile(r'\b(eval|curl|wget|mktemp -u)\b|\s(-c)\s')

PLACES = {
    'rcg/apis/run_command.py run_command: runpy.run_path':
        'runs files of tools/, which are named in the quick start',
    'rcg/apis/__init__.py __getattr__: importlib.import_module':
        'the names are those of a table in the file',
    'rcg/checkpoint/downloading.py download: torch.hub.download_url_to_file':
        'with all 64 digits of the SHA-256',
    'rcg/checkpoint/inert.py <file>: pickle._Unpickler':
        'the base of the unpickler that runs nothing',
    'rcg/checkpoint/inert.py <file>: pickle._Unpickler.dispatch':
        'only the opcodes of built-in values are taken from it',
    'rcg/checkpoint/inert.py load: pickle._Unframer':
        'splits a pickle into frames',
    'rcg/engine/allocator.py keep_freed_memory: ctypes.CDLL':
        'calls mallopt of the C library that Python runs on',
    'rcg/evaluation/extractors/transformers.py weights: torch.jit.load':
        "only of files whose SHA-256 is that of one of OpenAI's",
    'tools/run_tests.sh: -c': 'its program is fixed text',
}
_REFUSED = 'crafts what is to be refused; it never runs'
_OWN = 'reads what the test itself has made'
# Of tests: names in a file, and why. torch.load(weights_only=True) is not
# listed there.
TESTS = {
    'tests/test_checkpoint/crafted.py': ('eval os.system torch.load',
                                         _REFUSED),
    'tests/test_checkpoint/test_foreign.py': ('exec os.system pickle.loads',
                                              _REFUSED),
    'tests/test_checkpoint/test_reading.py': (
        'torch.load weights_only=False', _OWN),
    'tests/test_datasets/test_archive.py': ('exec', _REFUSED),
    'tests/test_datasets/test_cifar.py': ('exec pickle.loads', _REFUSED),
    'tests/test_datasets/test_stream.py': ('pickle.loads', _OWN),
    'tests/test_docs/test_python.py': ('exec', 'runs the blocks of a guide'),
    'tests/test_demo.py': ('compile eval exec', 'runs the notebook of demo/'),
    'tests/test_docs/test_pages.py': (
        'compile exec importlib.import_module', 'runs what the pages show'),
    'tests/test_docs/test_extend.py': (
        'importlib.import_module', 'imports what docs/extend.md shows'),
    'tests/test_engine/test_configs/test_files.py': ('pickle.loads', _OWN),
    'tests/test_evaluation/test_extractors/test_inception.py': (
        'exec', _REFUSED),
    'tests/test_evaluation/test_references/test_statistics_file.py': (
        'exec', _REFUSED),
    'tests/test_evaluation/toy.py': ('pickle.loads', _OWN),
    'tests/test_paths.py': ('runpy.run_path', 'runs files of tools/'),
    'tests/test_tools/test_reference_statistics.py': (
        'exec numpy.load pickle.loads', _REFUSED),
    'tests/fuzz/pth.py': ('pickle pickle.__all__', _REFUSED),
    'tests/test_checkpoint/test_arrays.py': ('pickle', _OWN),
    'tests/forked.py': (
        'ctypes.CDLL ctypes.get_errno runpy.run_path',
        'enters network namespaces; runs files of tools/'),
    'tests/test_mmengine/test_pure_python_configs.py': ('pickle.loads', _OWN),
    'tests/test_pretraining/test_codebook.py': ('torch.load', _OWN),
    'tests/test_pretraining/test_perceptual.py': ('torch.load', _OWN),
    'tests/test_pretraining/test_pixel_pca.py': ('torch.load', _OWN),
    'tests/test_pretraining/test_vqgan.py': ('torch.load', _OWN),
    'tests/test_tools/test_measure_tokenizer.py': ('torch.load', _OWN),
}


class _Finder(ast.NodeVisitor):
    """Risky names of a file; those of its imports count in full."""

    def __init__(self, place: str) -> None:
        self.place, self.function = place, '<file>'
        self.found, self.full_names = set(), {}

    def note(self, name: str) -> None:
        if RISKY.fullmatch(name):
            self.found.add(f'{self.place} {self.function}: {name}')

    def visit_FunctionDef(self, node) -> None:
        outer, self.function = self.function, node.name
        self.generic_visit(node)
        self.function = outer

    def visit_Import(self, node) -> None:
        for alias in node.names:
            name = alias.name.partition('.')[0]
            self.full_names[alias.asname or name] = (
                alias.name if alias.asname else name)

    def visit_ImportFrom(self, node) -> None:
        for alias in node.names:
            name = f'{node.module}.{alias.name}'
            self.full_names[alias.asname or alias.name] = name
            self.note(name)

    def visit_Attribute(self, node) -> None:
        text = ast.unparse(node)
        if re.fullmatch(r'[\w.]+', text):
            start, _, rest = text.partition('.')
            self.note(f'{self.full_names.get(start, start)}.{rest}')
        else:
            self.generic_visit(node)

    def visit_Name(self, node) -> None:
        self.note(self.full_names.get(node.id, node.id))

    def visit_Call(self, node) -> None:
        arguments = {(keyword.arg, ast.unparse(keyword.value))
                     for keyword in node.keywords}
        for argument in arguments & RISKY_ARGUMENTS:
            self.found.add(f'{self.place} {self.function}: '
                           + '='.join(argument))
        if (self.place.startswith('tests/')
                and ('weights_only', 'True') in arguments):
            for argument in node.args:
                self.visit(argument)
        else:
            self.generic_visit(node)


def python_files():
    """(path, source) of modules, configs and notebooks."""
    yield 'setup.py', (ROOT / 'setup.py').read_text('utf-8')
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob('*')):
            place = path.relative_to(ROOT).as_posix()
            if path.suffix == '.py':
                yield place, path.read_text('utf-8')
            elif path.suffix == '.ipynb':
                cells = json.loads(path.read_text('utf-8'))['cells']
                code = '\n'.join(''.join(cell['source']) for cell in cells
                                 if cell['cell_type'] == 'code')
                yield place, re.sub('(?m)^[%!]', '#', code)


def risky_places(place: str, source: str) -> set[str]:
    """Places of a file of Python, or of a shell script."""
    if place.endswith(('.py', '.ipynb')):
        finder = _Finder(place)
        finder.visit(ast.parse(source))
        return finder.found
    source = re.sub(r'(?m)^\s*#.*', '', source)
    return {f'{place}: {match[1] or match[2]}'
            for match in IN_SHELL.finditer(source)}


def all_places() -> tuple[set[str], set[str]]:
    """Places in the project, and (file: name) in its tests."""
    places, of_tests = set(), set()
    for place, source in python_files():
        found = risky_places(place, source)
        if place.startswith('tests/'):
            of_tests |= {re.sub(r' [\w<>]+:', ':', text) for text in found}
        else:
            places |= found
    for path in sorted([*(ROOT / 'tools').glob('*.sh'), ROOT / '.ci/run']):
        places |= risky_places(path.relative_to(ROOT).as_posix(),
                               path.read_text('utf-8'))
    return places, of_tests


def listed_in_tests() -> set[str]:
    return {f'{file}: {name}' for file, (names, _) in TESTS.items()
            for name in names.split()}


def differences() -> list[str]:
    lines = []
    for found, listed in zip(all_places(), (set(PLACES), listed_in_tests()),
                             strict=True):
        lines += [f'new: {place}' for place in sorted(found - listed)]
        lines += [f'gone: {place}' for place in sorted(listed - found)]
    return lines


def test_what_can_run_code_is_listed():
    assert not differences()


@pytest.mark.parametrize(('source', 'name'), [
    ('import torch as t\nt.load(x)', 'torch.load'),
    ('from torch import load as read\nread(x)', 'torch.load'),
    ('import numpy as np\nf = np.load', 'numpy.load'),
    ('import pickle\npickle.load(x)', 'pickle.load'),
    ('from pickle import Unpickler', 'pickle.Unpickler'),
    ('import pickle\ngetattr(pickle, name)', 'pickle'),
    ('import yaml\nyaml.load(x, yaml.CLoader)', 'yaml.load'),
    ('import os\nos.system(x)', 'os.system'),
    ('from os import popen', 'os.popen'),
    ('import tempfile\ntempfile.mktemp()', 'tempfile.mktemp'),
    ('import subprocess as s\ns.run(x, shell=True)', 'shell=True'),
    ('f(x, weights_only=False)', 'weights_only=False'),
    ('f(x, allow_pickle=True)', 'allow_pickle=True'),
    ('eval(x)', 'eval'), ('run = exec', 'exec'),
    ('compile(x, y, z)', 'compile'), ('__import__(x)', '__import__'),
    ('import ctypes\nctypes.CDLL(x)', 'ctypes.CDLL'),
    ('from urllib.request import urlretrieve', 'urllib.request.urlretrieve'),
    ('import torch\ntorch.hub.load_state_dict_from_url(x)',
     'torch.hub.load_state_dict_from_url')])
def test_finds(source, name):
    assert f'a.py <file>: {name}' in risky_places('a.py', source)


@pytest.mark.parametrize('source', [
    'import re, pickle\nre.compile(x)\nraise pickle.UnpicklingError',
    'import torch\nmodule.compile()\nmodel.eval()\ntorch.save(x, y)',
    'import pickle\npickle.dumps(x)\nx = pickle.REDUCE[0]',
    'import urllib.error', "x = 'eval(y)'  # exec(z)"])
def test_passes(source):
    assert not risky_places('a.py', source)


def test_finds_in_shell_scripts():
    text = '# eval\neval "$x"\npython -c "x"\ncurl x\necho --config\n'
    assert risky_places('a.sh', text) == {
        'a.sh: eval', 'a.sh: -c', 'a.sh: curl'}


if __name__ == '__main__':
    print('\n'.join(differences()))
