"""Outside a function: send one call."""
