"""The Temporal Fusion Transformer: its network, its fit, and how a fit goes on after an end."""
