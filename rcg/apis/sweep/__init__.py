"""What tools/sweep.py consists of."""
