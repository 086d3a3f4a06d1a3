"""Who may call whom: the edges and their keys."""
