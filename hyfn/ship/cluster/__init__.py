"""A cluster's API: what all clouds share that keep their functions as objects in one."""
