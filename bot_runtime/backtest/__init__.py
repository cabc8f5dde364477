"""A bot over past candles: what its decisions would have earned, and whether they look ahead."""
