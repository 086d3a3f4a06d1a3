"""What was measured and not taken."""
