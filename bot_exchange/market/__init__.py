"""Markets that are generated or replayed: candles for any span of time, and trading rules."""
