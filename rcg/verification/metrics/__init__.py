"""What tools/verify_metrics.py runs."""
