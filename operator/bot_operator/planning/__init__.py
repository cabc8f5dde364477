"""What every plan is made of: conditions, notes, refusals, and specs as models."""
