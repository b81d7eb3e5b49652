"""The contract between the daemon and its frontends, and the transports that carry it."""
