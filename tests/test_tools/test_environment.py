"""Scripts that make .venv: a checkout where Python and pip only take notes."""
import os
import shutil
import subprocess

import pytest

from ..test_engine.running import ROOT

# What every Python of these tests is. `-m venv` makes another one; `-c` asks
# whether all is there that tests need.
STUB = """#!/usr/bin/env bash
name=$(basename "$0")
if [ "$1" = -c ]; then
    [ "$name" != python3 ] || [ -e "{log}.complete" ]
    exit
fi
echo "$name $*" >> "{log}"
case "$2" in
    venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    pip) [ ! -e "{log}.offline" ] ;;
esac
"""


class Checkout:
    """A copy of the scripts and the requirements.

    Files beside the log say what a stub is to do: with ``log.complete`` the
    system's python3 has all that tests need, with ``log.offline`` pip fails.
    """

    def __init__(self, folder):
        self.root, self.folder = folder / 'checkout', folder
        self.log = folder / 'log'
        for name in ('tools', 'requirements'):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / 'setup.py', self.root)
        (folder / 'bin').mkdir()
        self.python('python3')

    def python(self, name):
        path = self.folder / 'bin' / name
        path.write_text(STUB.format(log=self.log))
        path.chmod(0o755)
        return path

    def note(self, name):
        self.log.with_name('log.' + name).touch()

    def run(self, script, *args, check=True, **variables):
        """The commands that the script gave to any Python."""
        self.log.unlink(missing_ok=True)
        path = f'{self.folder / "bin"}:{os.environ["PATH"]}'
        env = {**os.environ, 'PATH': path, **variables}
        if 'PYTHON' not in variables:
            env.pop('PYTHON', None)
        self.done = subprocess.run(
            ['bash', str(self.root / 'tools' / script), *args],
            cwd=self.folder, env=env, capture_output=True, text=True,
            check=False)
        assert (self.done.returncode == 0) == check, self.done.stderr
        if not self.log.exists():
            return []
        return self.log.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


VENV = 'python3 -m venv .venv'
INSTALL = 'python -m pip install --quiet --disable-pip-version-check -e '
PYTEST = 'python -m pytest -n 2 --dist worksteal -m not pages'


def test_tests_on_a_fresh_machine(checkout):
    assert checkout.run('run_tests.sh', '-k', 'a b') == [
        VENV, INSTALL + '.[tests]', PYTEST + ' -k a b']
    assert checkout.run('run_tests.sh') == [PYTEST]


@pytest.mark.parametrize('name', ['runtime', 'tests'])
def test_changed_requirements_are_installed(checkout, name):
    checkout.run('run_tests.sh')
    with open(checkout.root / f'requirements/{name}.txt', 'a') as file:
        file.write('einops\n')
    assert checkout.run('run_tests.sh') == [INSTALL + '.[tests]', PYTEST]
    assert checkout.run('run_tests.sh') == [PYTEST]


def test_the_quick_start_needs_less_than_tests(checkout):
    start = 'python -m rcg.projects.quickstart --short'
    assert checkout.run('quickstart.sh', '--short') == [
        VENV, INSTALL + '.', start]
    assert checkout.run('quickstart.sh', '--short') == [start]
    assert checkout.run('run_tests.sh') == [INSTALL + '.[tests]', PYTEST]
    assert checkout.run('quickstart.sh', '--short') == [start]


def test_tests_cover_the_quick_start(checkout):
    checkout.run('run_tests.sh')
    assert len(checkout.run('quickstart.sh')) == 1


def test_what_was_not_installed_is_tried_again(checkout):
    checkout.note('offline')
    assert checkout.run('run_tests.sh', check=False) == [
        VENV, INSTALL + '.[tests]']
    (checkout.folder / 'log.offline').unlink()
    assert checkout.run('run_tests.sh') == [INSTALL + '.[tests]', PYTEST]


def test_a_python_of_ones_own(checkout):
    mine = checkout.python('mine')
    assert checkout.run('run_tests.sh', 'tests/x.py', PYTHON=str(mine)) == [
        'mine -m pytest -n 2 --dist worksteal -m not pages tests/x.py']
    assert not (checkout.root / '.venv').exists()


def test_a_python_of_ones_own_that_lacks_something(checkout):
    assert checkout.run('run_tests.sh', check=False, PYTHON='python3') == []
    assert "python3 -m pip install -e '.[tests]'" in checkout.done.stderr
    assert not (checkout.root / '.venv').exists()


def test_a_python_of_the_system_that_has_all(checkout):
    checkout.note('complete')
    assert checkout.run('run_tests.sh') == [
        'python3 -m pytest -n 2 --dist worksteal -m not pages']
    assert not (checkout.root / '.venv').exists()
