"""From candles to a model that is trained, calibrated, exported and chosen."""
