"""Salut à Toi: one daemon for a person's XMPP accounts, and thin frontends attached to it."""

__version__ = "0.1.0"
