"""XEP-0333: Displayed Markers."""

from __future__ import annotations

from collections.abc import Awaitable

from sat.plugin import (
    Direction,
    Element,
    Incoming,
    Message,
    MessageState,
    Plugin,
    Read,
    Stage,
    StoredMessage,
    conversation_read,
    message_stage,
    option,
    outgoing_message,
    parse_jid,
)
from sat.xmpp.stanza import NS_HINTS

NS_MARKERS = "urn:xmpp:chat-markers:0"
#: In rooms, everybody would learn who reads when.
_TYPES = ("chat", "normal")


class Markers(Plugin):
    """Tell contacts what was looked at, and learn what they looked at."""

    name = "markers"
    features = (NS_MARKERS,)
    send_markers = option(
        True, help="tell contacts in the roster which of their messages were looked at"
    )

    @outgoing_message()
    def ask(self, message: Message, stored: StoredMessage) -> None:
        """Ask to be told when a message is looked at (XEP-0333, section 4.1)."""
        if message.type in _TYPES and message.id:
            message.extensions.append(Element((NS_MARKERS, "markable")))

    @message_stage(Stage.CORRECT, NS_MARKERS)
    def learn(self, incoming: Incoming) -> Awaitable[bool] | None:
        """Note who asks to be told, and what was looked at: by the peer, or by us elsewhere."""
        stanza = incoming.stanza
        if stanza.type not in _TYPES:
            return None
        incoming.markable = bool(
            stanza.child("markable", NS_MARKERS) is not None
            and stanza.id
            and incoming.direction is Direction.IN
        )
        displayed = stanza.child("displayed", NS_MARKERS)
        id_ = displayed.get("id") if displayed is not None else None
        if not id_:
            return None
        if incoming.direction is Direction.OUT:
            return self.host.mark_read(incoming.peer, stanza_id=id_)
        return self.host.mark_message(incoming.peer, id_, MessageState.DISPLAYED)

    @conversation_read()
    def tell(self, read: Read) -> None:
        """Tell the author of what the person has just looked at, if he asked and may know.

        The marker is to be archived: the peer's other programs learn of it from there (XEP-0334).
        """
        message = read.markable
        if message is None or message.stanza_id is None or not self.send_markers:
            return
        author = parse_jid(message.from_).userhostJID()
        if message.type not in _TYPES or not self.host.in_roster(author):
            return
        displayed = Element((NS_MARKERS, "displayed"), {"id": message.stanza_id})
        store = Element((NS_HINTS, "store"))
        self.send_stanza(Message(type=message.type, to=author, extensions=[displayed, store]))
