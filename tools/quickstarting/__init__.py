"""What tools/quickstart.py consists of."""
