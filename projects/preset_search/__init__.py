"""Searches the numbers of a preset: same time for each candidate."""
