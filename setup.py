"""What is in the wheel: rcg, and the folders beside it.

configs and tools as rcg.share, projects as rcg.projects. All else that
describes the package stands in pyproject.toml.
"""
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def folders(top: str, into: str) -> dict[str, str]:
    """Package name -> folder, for every folder below ``top``."""
    paths = [p for p in (ROOT / top).rglob('*') if p.is_dir()]
    names = [p.relative_to(ROOT).as_posix() for p in paths
             if p.name != '__pycache__']
    return {f'{into}.{name}'.replace('/', '.'): name for name in names}


shared = {'rcg.share.configs': 'configs', 'rcg.share.tools': 'tools',
          **folders('configs', 'rcg.share'), **folders('tools', 'rcg.share'),
          **folders('projects', 'rcg')}

setup(
    packages=[*find_packages(include=['rcg', 'rcg.*']), *shared],
    package_dir={'': '.', **shared},
    package_data={'rcg.converters': ['weights.json'],
                  'rcg.verification.metrics': ['expected.json'],
                  **{name: ['*.py', '*.sh', '*.md']
                     for name in shared}})
