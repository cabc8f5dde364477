"""What wakes an owner, in which order owners are looked at, and what is remembered of them."""
