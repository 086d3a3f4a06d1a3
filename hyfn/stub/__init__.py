"""Functions placed elsewhere as generated, typed client code."""
