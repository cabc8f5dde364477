"""What a venue has: accounts, limits, a clock, faults that a test sets, and what is shown now."""
