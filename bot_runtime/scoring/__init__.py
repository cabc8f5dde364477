"""Losses, comparisons, luck and naive forecasts; numpy alone."""
