"""Checks of a whole installation.

``parity`` compares with stored runs of the published code, ``metrics``
compares scores with those of torch-fidelity. Training, sampling and scoring
do not need it. Commands: tools/verify_reference.py and
tools/verify_metrics.py.
"""
