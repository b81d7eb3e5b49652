"""XEP-0115: Entity Capabilities."""

from __future__ import annotations

from sat.plugin import Element, Plugin, Presence, outgoing_presence

NS_CAPS = "http://jabber.org/protocol/caps"
#: Names the program, not the version: the hash tells what it can do.
NODE = "https://salut-a-toi.example/"


class Caps(Plugin):
    """Say in each presence what we can do, so that nobody has to ask."""

    name = "caps"
    features = (NS_CAPS,)

    @outgoing_presence()
    def add(self, presence: Presence) -> None:
        """Add the hash of our identities and features (XEP-0115, section 5)."""
        ver = self.host.own_info().caps_hash()
        self.host.own_node(f"{NODE}#{ver}")
        attributes = {"hash": "sha-1", "node": NODE, "ver": ver}
        presence.extensions.append(Element((NS_CAPS, "c"), {**attributes}))
