"""One file a step: what is read, in which order, and what is reported."""
