"""Inside a platform: run one call."""
