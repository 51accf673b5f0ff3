"""The Dockerfile, read as a text: no engine builds it here."""
import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / 'Dockerfile').read_text()


def instructions():
    """Each instruction in order: its name, and the rest of it."""
    lines = [line for line in TEXT.splitlines()
             if line.strip() and not line.startswith('#')]
    text = re.sub(r'\\\n\s*', '', '\n'.join(lines))
    return [tuple(line.split(None, 1)) for line in text.splitlines()]


STEPS = instructions()


def simple_commands(rest):
    return [shlex.split(part) for part in rest.split('&&')]


def installs():
    """Number of the step and arguments of each ``pip install``."""
    return [(i, words[2:]) for i, (name, rest) in enumerate(STEPS)
            if name == 'RUN' for words in simple_commands(rest)
            if words[:2] == ['pip', 'install']]


def copies():
    """Number of the step and sources of each COPY."""
    for i, (name, rest) in enumerate(STEPS):
        if name == 'COPY':
            *sources, _ = [word for word in rest.split()
                           if not word.startswith('--')]
            yield i, sources


def is_ignored(path):
    patterns = (ROOT / '.dockerignore').read_text().split()
    return any(fnmatch(path, pattern.removeprefix('**/'))
               for pattern in patterns)


def test_instructions_are_known():
    assert {name for name, _ in STEPS} <= {
        'FROM', 'ARG', 'RUN', 'WORKDIR', 'COPY', 'USER', 'CMD'}
    assert STEPS[0][0] == 'FROM' and STEPS[-1][0] == 'CMD'


def test_the_base_is_fixed_and_new_enough():
    image, tag = STEPS[0][1].split(':')
    assert image == 'python'
    version = re.match(r'(\d+)\.(\d+)-slim-\w+$', tag)
    wanted = re.search(r'requires-python = ">=(\d+)\.(\d+)"',
                       (ROOT / 'pyproject.toml').read_text())
    assert tuple(map(int, version.groups())) >= tuple(
        map(int, wanted.groups()))


def test_what_is_copied_is_there_and_not_ignored():
    found = [source for _, sources in copies() for source in sources]
    assert found == ['requirements', '.']
    for source in found:
        assert (ROOT / source).exists() and not is_ignored(source)
    for needed in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE',
                   'rcg', 'configs', 'tools', 'projects'):
        assert (ROOT / needed).exists() and not is_ignored(needed)


@pytest.mark.parametrize('name', ['.git', '.venv', 'work_dirs', 'data',
                                  'checkpoints', 'rcg.egg-info'])
def test_what_is_large_or_private_is_left_out(name):
    assert is_ignored(name)


def test_pip_installs_what_the_project_names():
    """Its own files of requirements, each after it was copied."""
    required = {re.split(r'[<>=\[]', line)[0] for line in
                (ROOT / 'requirements/runtime.txt').read_text().split()}
    copied = dict(reversed([(source, i) for i, sources in copies()
                            for source in sources]))
    kinds = []
    for step, words in installs():
        words = [word for word in words if word not in (
            '--no-cache-dir', '--no-deps')]
        if words[0] == '-r':
            assert (ROOT / words[1]).is_file()
            assert step > copied[Path(words[1]).parts[0]]
        elif words[0] == '--editable':
            assert words[1] == '.' and step > copied['.']
        else:
            names = words[:words.index('--index-url')]
            assert set(names) <= required
        kinds.append(words[0])
    assert kinds == ['torch', '-r', '--editable']
    # A change of the code installs no requirement again.
    assert installs()[1][0] < copied['.']


def test_arguments_are_declared_before_their_use():
    declared = set()
    for name, rest in STEPS:
        if name == 'ARG':
            declared.add(rest.partition('=')[0])
        assert set(re.findall(r'\$\{(\w+)\}', rest)) <= declared


def test_it_does_not_run_as_root():
    names = [name for name, _ in STEPS]
    user = STEPS[names.index('USER')][1]
    assert user != 'root' and names.index('USER') == len(names) - 2
    assert any(words[0] == 'useradd' and words[-1] == user
               for name, rest in STEPS if name == 'RUN'
               for words in simple_commands(rest))


def test_its_default_command_runs():
    """Not through a shell: a list in JSON."""
    python, *args = json.loads(STEPS[-1][1])
    assert python == 'python'
    done = subprocess.run([sys.executable, *args], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    version = re.search(r"__version__ = '(.+)'", (
        ROOT / 'rcg/__init__.py').read_text())[1]
    assert done.stdout == f'rcg {version}\n'


def test_results_are_written_where_the_host_mounts():
    folder, = (rest for name, rest in STEPS if name == 'WORKDIR')
    assert set(re.findall(r'-v "\$PWD/work_dirs:(\S+?)"', TEXT)) == {
        f'{folder}/work_dirs'}
    made = [words for name, rest in STEPS if name == 'RUN'
            for words in simple_commands(rest)]
    assert ['mkdir', '-p', 'work_dirs'] in made
    user = STEPS[-2][1]
    assert ['chown', user, 'work_dirs'] in made


def test_the_commands_of_its_header_are_ours():
    commands = re.findall(r'^#\s+(python .+)$', TEXT, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        for word in command.split()[1:]:
            if word.startswith(('tools/', 'configs/')):
                assert (ROOT / word).is_file()
            elif word.startswith('rcg.projects.'):
                place = word.replace('rcg.', '').replace('.', '/')
                assert (ROOT / place / '__main__.py').is_file()
