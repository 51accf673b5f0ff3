"""The quick start: RCG on digits, from nothing to a table and a picture."""
