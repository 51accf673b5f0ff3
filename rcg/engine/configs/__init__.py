"""Configs: found, read as values, checked, and written again."""
