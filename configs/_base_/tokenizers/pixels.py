"""No tokenizer: the generator draws pixels. Nothing to download."""
tokenizer = dict(type='Pixels')
