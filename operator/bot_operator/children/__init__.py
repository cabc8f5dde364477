"""What objects of the operator look like: labels, pods, claims; and what a claim says."""
