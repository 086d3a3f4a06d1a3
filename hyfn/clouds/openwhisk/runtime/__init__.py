"""What runs inside an action's container on this machine, without hyfn's own environment."""
