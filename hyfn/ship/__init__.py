"""Artifacts → live: what is wanted and what is there, compared; and the changes between, made one by one."""
