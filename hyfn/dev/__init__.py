"""Every function of a project running on this machine."""
