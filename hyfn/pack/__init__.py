"""Function to artifact. Never talks to a cloud."""
