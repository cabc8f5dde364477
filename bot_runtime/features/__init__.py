"""Numbers that are known at a candle's close, and the windows of them that models read."""
