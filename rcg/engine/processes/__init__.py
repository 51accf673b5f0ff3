"""Processes of one run: they meet, stop together, and miss each other."""
