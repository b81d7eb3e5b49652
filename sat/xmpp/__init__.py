"""XMPP on the wire: streams, authentication, stanzas. Knows no profile, store or bridge."""
