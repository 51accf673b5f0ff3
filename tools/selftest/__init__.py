"""What tools/test_metrics.py consists of."""
