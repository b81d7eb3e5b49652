"""Finding out why an account doesn't work, in the very ways in which the daemon makes it work."""
