"""XEP-0184: Message Delivery Receipts."""

from __future__ import annotations

from collections.abc import Awaitable

from sat.plugin import (
    Direction,
    Element,
    Incoming,
    Message,
    MessageState,
    Plugin,
    Stage,
    StoredMessage,
    message_stage,
    option,
    outgoing_message,
)
from sat.xmpp.stanza import NS_HINTS

NS_RECEIPTS = "urn:xmpp:receipts"


class Receipts(Plugin):
    """Tell contacts that their messages arrived, and learn that ours did."""

    name = "receipts"
    features = (NS_RECEIPTS,)
    send_receipts = option(True, help="tell contacts in the roster that their messages arrived")

    @outgoing_message()
    def ask(self, message: Message, stored: StoredMessage) -> None:
        """Ask for a receipt (XEP-0184, section 5.2); never in rooms (section 5.3)."""
        if message.type in ("chat", "normal") and message.id:
            message.extensions.append(Element((NS_RECEIPTS, "request")))

    @message_stage(Stage.CORRECT, NS_RECEIPTS)
    def learn(self, incoming: Incoming) -> Awaitable[bool] | None:
        """Note that a message of ours arrived; a receipt from anyone else changes nothing."""
        stanza = incoming.stanza
        receipt = stanza.child("received", NS_RECEIPTS)
        if receipt is None or stanza.type == "error" or incoming.direction is not Direction.IN:
            return None
        arrived = receipt.get("id")
        if not arrived:
            return None
        return self.host.mark_message(incoming.peer, arrived, MessageState.RECEIVED)

    @message_stage(Stage.NOTIFY, NS_RECEIPTS)
    def tell(self, incoming: Incoming) -> None:
        """Answer a request once the message is stored, to those who may see our presence.

        The receipt is to be archived: the peer's other programs learn of it from there (XEP-0334).
        """
        stanza = incoming.stanza
        if (
            stanza.child("request", NS_RECEIPTS) is None
            or incoming.direction is not Direction.IN
            or incoming.copied
            or stanza.type not in ("chat", "normal")
            or stanza.id is None
            or stanza.from_ is None
            or not self.send_receipts
            or not self.host.in_roster(stanza.from_)
        ):
            return
        receipt = Element((NS_RECEIPTS, "received"), {"id": stanza.id})
        store = Element((NS_HINTS, "store"))
        self.send_stanza(Message(type=stanza.type, to=stanza.from_, extensions=[receipt, store]))
