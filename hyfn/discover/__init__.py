"""Find functions by reading source, never by importing it."""
