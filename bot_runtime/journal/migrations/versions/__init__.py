"""One file for each schema that the journal has had: what leads to it from the one before."""
