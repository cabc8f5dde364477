"""From a version in the store to predictions, and what came of them."""
