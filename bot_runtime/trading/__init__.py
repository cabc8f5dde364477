"""From a prediction to a decision, and to the signal that carries it."""
