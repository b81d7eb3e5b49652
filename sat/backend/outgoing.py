"""What goes: a message as the stanza that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sat.bridge.model import Message
from sat.xmpp.namespaces import NS_OOB
from sat.xmpp.stanza import Element, parse_jid
from sat.xmpp.stanza import Message as MessageStanza

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile


def to_xml(live: LiveProfile, message: Message) -> str:
    """Return the stanza of a message, with all that rooms and plugins add to it."""
    stanza = MessageStanza(
        type=message.type.value,
        id=message.stanza_id,
        to=parse_jid(message.to),
        body=message.body,
        subject=message.subject,
        thread=message.thread,
        origin_id=message.origin_id,
    )
    for attachment in message.attachments:
        oob = Element((NS_OOB, "x"))
        oob.add("url", text=attachment.url)
        stanza.extensions.append(oob)
    live.rooms.talk.dress(stanza)
    live.plugins.outgoing_message(stanza, message)
    return stanza.to_xml()
