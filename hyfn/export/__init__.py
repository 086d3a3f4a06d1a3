"""Documents for others about what a project's functions take and give."""
