"""What :class:`~rcg.apis.RCGInferencer` is made of, one job a file."""
