"""What pods, messages, Events and secrets tell, as findings of closed lists."""
