"""What tools/test.py is made of."""
