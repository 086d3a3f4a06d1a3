"""One module per command; only output.py prints."""
