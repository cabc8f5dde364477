"""What the objects that the operator makes look like: labels, pods, claims."""
