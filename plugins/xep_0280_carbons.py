"""XEP-0280: Message Carbons."""

from __future__ import annotations

from sat.plugin import (
    Direction,
    Element,
    Incoming,
    Iq,
    Message,
    Plugin,
    Stage,
    StanzaError,
    message_stage,
)

NS_CARBONS = "urn:xmpp:carbons:2"
NS_CLIENT = "jabber:client"
NS_FORWARD = "urn:xmpp:forward:0"


class Carbons(Plugin):
    """See what was sent and received with the person's other programs."""

    name = "carbons"

    def connected(self) -> None:
        """Ask the server for copies (XEP-0280, section 4)."""
        self.host.spawn(self._enable(), "asking for copies")

    async def _enable(self) -> None:
        enable = Element((NS_CARBONS, "enable"))
        try:
            await self.request(Iq(type="set", extensions=[enable]))
        except (StanzaError, TimeoutError):
            return  # this server makes none

    @message_stage(Stage.UNWRAP, NS_CARBONS)
    def unwrap(self, incoming: Incoming) -> None:
        """Take the message out of its copy, once; a copy from anyone but our server is forged.

        What is copied within a copy stays as it is (XEP-0280, section 11).
        """
        for name, direction in (("received", Direction.IN), ("sent", Direction.OUT)):
            wrapper = incoming.stanza.child(name, NS_CARBONS)
            if wrapper is not None:
                self._take_out(incoming, wrapper, direction)
                return

    def _take_out(self, incoming: Incoming, wrapper: Element, direction: Direction) -> None:
        if incoming.stanza.from_ != self.jid:
            incoming.drop("a copy that is not from our own account")
            return
        forwarded = wrapper.child("forwarded", NS_FORWARD)
        inner = forwarded.child("message", NS_CLIENT) if forwarded is not None else None
        if inner is None:
            incoming.drop("a copy of nothing")
            return
        message = Message.from_element(inner)
        # Ours is one end of the conversation: the other one is whom it is with.
        ours, other = message.to, message.from_
        if direction is Direction.OUT:
            ours, other = other, ours
        if other is None or (ours or self.jid).userhostJID() != self.jid:
            incoming.drop("a copy of what is not ours")
            return
        if message.type == "error":
            incoming.drop("a copy of an error")
            return
        incoming.stanza = message
        incoming.direction = direction
        incoming.peer = other.userhostJID()
        incoming.copied = True
