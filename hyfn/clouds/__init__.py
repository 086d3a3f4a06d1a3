"""The clouds that are known: every folder here."""
