"""Parts of tools/evaluate_images.py and tools/reference_statistics.py."""
