"""``sat-telepathy``: the daemon as a connection manager, for clients of Telepathy."""
