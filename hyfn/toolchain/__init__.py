"""What a developer's machine lends: uv, interpreters, environments and processes."""
