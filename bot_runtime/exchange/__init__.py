"""Every call to an exchange, how often it is tried again, and the key it is made with."""
