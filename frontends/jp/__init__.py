"""jp: the daemon on the command line."""
