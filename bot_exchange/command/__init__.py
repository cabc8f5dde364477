"""The command line: flags, start-up, logs and the end on a signal."""
