"""XEP-0390: Entity Capabilities 2.0."""

from __future__ import annotations

from sat.plugin import Element, Plugin, Presence, outgoing_presence

NS_CAPS2 = "urn:xmpp:caps"
NS_HASHES = "urn:xmpp:hashes:2"
#: Those that every program knows (XEP-0300, section 3).
ALGORITHMS = ("sha-256", "sha3-256")


class Caps2(Plugin):
    """Say in each presence what we can do, with hashes that can't be forged."""

    name = "caps2"
    features = (NS_CAPS2,)

    @outgoing_presence()
    def add(self, presence: Presence) -> None:
        """Add the hashes of our identities and features (XEP-0390, section 4.2)."""
        info = self.host.own_info()
        claim = Element((NS_CAPS2, "c"))
        for algorithm in ALGORITHMS:
            value = info.caps2_hash(algorithm)
            claim.add("hash", NS_HASHES, text=value, algo=algorithm)
            self.host.own_node(f"{NS_CAPS2}#{algorithm}.{value}")
        presence.extensions.append(claim)
