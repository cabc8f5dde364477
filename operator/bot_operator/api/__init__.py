"""Every call to the API server, the errors it gives, and the kinds of objects it knows."""
