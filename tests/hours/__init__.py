"""Hours of a bot that trades on paper in a real node, while operator and node are disturbed."""
