"""Install rcg; the wheel carries the folders beside it.

configs and tools as rcg.share, projects as rcg.projects.
"""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    return (ROOT / 'requirements' / f'{name}.txt').read_text().split()


def folders(top: str, into: str) -> dict[str, str]:
    """Package name -> folder, for every folder below ``top``."""
    paths = [p for p in (ROOT / top).rglob('*') if p.is_dir()]
    names = [p.relative_to(ROOT).as_posix() for p in paths
             if p.name != '__pycache__']
    return {f'{into}.{name}'.replace('/', '.'): name for name in names}


shared = {'rcg.share.configs': 'configs', 'rcg.share.tools': 'tools',
          **folders('configs', 'rcg.share'), **folders('tools', 'rcg.share'),
          **folders('projects', 'rcg')}
version = re.search(r"__version__ = '(.+)'",
                    (ROOT / 'rcg' / '__init__.py').read_text())[1]

setup(
    name='rcg',
    version=version,
    description='Representation-conditioned image generation '
    '(arXiv:2312.03701): train, evaluate, extend',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=[*find_packages(include=['rcg', 'rcg.*']), *shared],
    package_dir={'': '.', **shared},
    package_data={'rcg.converters': ['weights.json'],
                  'rcg.verification.metrics': ['expected.json'],
                  **{name: ['*.py', '*.sh', '*.md']
                     for name in shared}},
    install_requires=requirements('runtime'),
    extras_require={'tests': requirements('tests'),
                    'optional': requirements('optional')},
)
