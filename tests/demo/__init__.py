"""The demonstration: alice and bob on a private server, by the commands that anyone would type."""
