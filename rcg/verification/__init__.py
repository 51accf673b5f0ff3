"""Checks of a whole installation.

Against stored runs of the published code (``parity``), and of scores against
torch-fidelity (``metrics``).

Not needed to train, sample or score; commands: tools/verify_reference.py and
tools/verify_metrics.py.
"""
