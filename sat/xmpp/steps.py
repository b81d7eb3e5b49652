"""One side of a login's talk: an answer for each step, in time."""

from __future__ import annotations

from base64 import b64decode

from sat.xmpp.element import Element
from sat.xmpp.errors import Fault
from sat.xmpp.namespaces import NS_CLIENT, NS_STREAM
from sat.xmpp.sasl import SaslError
from sat.xmpp.stream import Stream

#: So many stanzas may come before the login has ended.
_MAX_EARLY = 1000


class Steps:
    """A stream on which each side speaks in turn.

    :param domain: whose server it is
    :param seconds: how long the server may take for each answer; it may be changed on the way
    """

    def __init__(self, stream: Stream, domain: str, seconds: float) -> None:
        self.stream = stream
        self.domain = domain
        self.seconds = seconds
        #: Stanzas that came before the stream was ready for them.
        self.early: list[Element] = []

    async def open(self, from_: str | None) -> Element:
        """Begin a stream and return the features offered on it.

        :param from_: the own bare address; None as long as the stream isn't encrypted
        :raises Fault: if they don't come
        """
        self.stream.open(self.domain, from_)
        return self.features(await self.next())

    def features(self, element: Element) -> Element:
        """Return what must be features.

        :raises Fault: if it is something else
        """
        if element.name != "features" or element.uri != NS_STREAM:
            raise unexpected(element, "its features")
        return element

    def send(self, element: Element) -> None:
        """Write an element."""
        self.stream.send(element)

    async def next(self) -> Element:
        """Return the next element.

        :raises Fault: if the stream ends, or nothing comes in time
        """
        return await self.stream.next(self.seconds)

    async def past_stanzas(self, name: str | None = None, id_: str | None = None) -> Element:
        """Return the answer waited for; a stanza that comes before it is kept for later.

        :param name: that of a stanza; without it, the answer is what is no stanza
        """
        while True:
            element = await self.next()
            if element.uri != NS_CLIENT:
                if name is None:
                    return element
                raise unexpected(element, "an answer")
            if name == element.name and element.get("id") == id_:
                return element
            if len(self.early) >= _MAX_EARLY:
                raise Fault("stream.policy-violation", "The server talks without being asked.")
            self.early.append(element)


def unexpected(element: Element, wanted: str) -> Fault:
    """Return the fault of a server that sent something else than what it should."""
    return Fault(
        "stream.unexpected", f"The server sent <{element.name[:40]}/> instead of {wanted}."
    )


def decode(text: str) -> bytes | None:
    """Return the data of a SASL message (RFC 6120, section 6.4.2); None if there is none.

    :raises SaslError: if it isn't base64
    """
    text = text.strip()
    if not text:
        return None
    try:
        return b"" if text == "=" else b64decode(text, validate=True)
    except ValueError:
        raise SaslError("denied.server", "The server's challenge is not base64.") from None
