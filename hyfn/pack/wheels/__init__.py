"""Which third-party distributions an artifact needs, at which versions, and their files."""
