"""What is built on rcg: the folder ``projects`` of the checkout.

A wheel carries its packages here. Nothing in rcg imports them by name, save
the registry, which asks pretraining for types that it does not know.
"""
from pathlib import Path

__path__.append(str(Path(__file__).resolve().parents[2] / 'projects'))
