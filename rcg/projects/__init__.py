"""Makes the folder ``projects`` of a checkout importable.

A wheel carries the projects here. Nothing in rcg imports one: a config names
a project in ``custom_imports``.
"""
from pathlib import Path

__path__.append(str(Path(__file__).resolve().parents[2] / 'projects'))
