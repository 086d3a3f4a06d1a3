"""Shipping: what is live, what is wanted, and the way between, whatever happens on it."""
