"""Whether a version is better than naive forecasts and than the champion, with the numbers."""
