"""Elements from text, read by the wire's own parser."""

from sat.xmpp.element import Element
from sat.xmpp.parser import ElementParser


def elements(*pieces: bytes) -> list[Element]:
    """Feed pieces of a stream, after its header, and return the stanzas in it."""
    found: list[Element] = []
    parser = ElementParser(lambda _: None, found.append, lambda: None)
    parser.feed(b"<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>")
    for piece in pieces:
        parser.feed(piece)
    return found


def element(text: str) -> Element:
    """Return the element that stands in a text."""
    return elements(text.encode())[0]
