"""Whole stories on real servers: the daemon and jp as processes, by the commands people type."""
