"""What tools/sample.py consists of."""
