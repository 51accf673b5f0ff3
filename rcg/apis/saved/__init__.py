"""Folders that hold a whole model, and need no other file."""
