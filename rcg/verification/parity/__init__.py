"""Stored numbers of the published code, run through this package.

One module for each family of cases; ``pack.py`` knows them all.
"""
