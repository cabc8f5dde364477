"""Candles: what they must be, which files hold them, and when a feed cannot be trusted."""
