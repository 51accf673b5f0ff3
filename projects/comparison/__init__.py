"""Compares configs over seeds: trains, scores, writes a table."""
