"""What a bot saw, decided and did, row by row: SQL lives here alone."""
