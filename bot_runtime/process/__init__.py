"""One process: its configuration, errors, threads, commit, log lines and last message."""
