"""What stands for Azure's own processes here: two scripts that the runtime's own environment runs by their path."""
