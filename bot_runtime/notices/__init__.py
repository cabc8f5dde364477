"""What a bot tells people of its trades, limits and versions, and how that is sent."""
