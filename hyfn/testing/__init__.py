"""What one tests hyfn's own things with, outside of hyfn too: needs pytest, and is imported by nothing else."""
