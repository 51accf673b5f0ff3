"""Parts of the tools that score images and tokenizers."""
