"""Campaigns of faults: runs that are killed, soaked and fed damaged files."""
