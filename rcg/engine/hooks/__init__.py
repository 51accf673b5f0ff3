"""Hooks, one job a file."""
