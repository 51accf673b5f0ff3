"""Stored numbers of the published code, compared with this package.

``pack`` runs a whole pack of them; the other modules check a family of cases
each.
"""
