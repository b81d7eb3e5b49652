"""Command lines: what can be said, read from one table and from what the daemon describes."""
