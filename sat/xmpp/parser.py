"""The parser of incoming streams: expat, with what XMPP forbids refused and everything bounded."""

from __future__ import annotations

from collections.abc import Callable
from pyexpat import ExpatError, ParserCreate
from typing import NoReturn

from sat.xmpp.element import AttributeName, Element

#: A stanza has at most this many bytes, ...
MAX_STANZA = 10 * 1024 * 1024
#: ... this many elements, ...
MAX_ELEMENTS = 100_000
#: ... nested this deep (what reads and writes them is recursive), ...
MAX_DEPTH = 200
#: ... and each start tag at most this many bytes: expat reads an unfinished one again and again.
MAX_TAG = 256 * 1024

# expat joins namespace and name with a character. It refuses a namespace that holds that character,
# so it must be one that XML itself forbids: else a peer could end the stream with xmlns='a b'.
_SEPARATOR = "\x01"


class ParserError(Exception):
    """What came is not a stream of XMPP.

    :param condition: the stream error that says so (RFC 6120, section 4.9.3)
    """

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class ElementParser:
    """Cuts a stream into its stanzas.

    Comments, processing instructions, document types and entities are refused (RFC 6120,
    section 11.1); size, depth and number of elements of a stanza are bounded.

    :param opened: called with the root element, empty, when its start tag is there
    :param received: called with each child of the root
    :param closed: called when the root ends
    """

    def __init__(
        self,
        opened: Callable[[Element], None],
        received: Callable[[Element], None],
        closed: Callable[[], None],
    ) -> None:
        self._opened = opened
        self.received = received
        self._closed = closed
        self._stack: list[Element] = []
        self._elements = 0
        self._size = 0
        self._fed = 0
        self._names: dict[str, tuple[str, str]] = {}
        parser = ParserCreate("UTF-8", _SEPARATOR)
        parser.buffer_text = True
        parser.buffer_size = 65536
        parser.StartElementHandler = self._start_root
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = _refuse
        parser.ProcessingInstructionHandler = _refuse
        parser.StartDoctypeDeclHandler = _refuse
        # Newer expats hold back a finished tag until more comes; MAX_TAG bounds what that guards.
        defer = getattr(parser, "SetReparseDeferralEnabled", None)
        if defer is not None:
            defer(False)
        self._parser = parser

    def feed(self, data: bytes) -> None:
        """Read on; the callbacks are called as elements are complete.

        :raises ParserError: if it isn't well-formed, is forbidden, or too much
        """
        self._size += len(data)
        self._fed += len(data)
        try:
            self._parser.Parse(data)
        except ExpatError as error:
            raise ParserError("not-well-formed", str(error)) from None
        if not self._stack:
            self._size = 0
        if self._size > MAX_STANZA:
            raise ParserError("policy-violation", "a stanza is larger than 10 MiB")
        if self._fed - self._parser.CurrentByteIndex > MAX_TAG:
            raise ParserError("policy-violation", "a tag is larger than 256 KiB")

    def stop(self) -> None:
        """Call nothing any more, even for what has been fed already."""
        parser = self._parser
        parser.StartElementHandler = parser.EndElementHandler = None
        parser.CharacterDataHandler = None

    def _start_root(self, name: str, attributes: dict[str, str]) -> None:
        self._parser.StartElementHandler = self._start
        self._opened(Element(self._name(name), _named(attributes)))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        qname = self._names.get(name) or self._name(name)
        attribs: dict[str, str] | dict[AttributeName, str] = attributes
        # One look at all names, of which few have a prefix.
        if attributes and _SEPARATOR in "".join(attributes):
            attribs = _named(attributes)
        element = Element(qname, attribs)
        self._elements += 1
        stack = self._stack
        if stack:
            if self._elements > MAX_ELEMENTS:
                raise ParserError("policy-violation", "a stanza has more than 100,000 elements")
            if len(stack) >= MAX_DEPTH:
                raise ParserError("policy-violation", "a stanza is nested over 200 deep")
            stack[-1].children.append(element)
        stack.append(element)

    def _name(self, name: str) -> tuple[str, str]:
        qname = _cut(name)
        if len(self._names) < 4096:
            self._names[name] = qname
        return qname

    def _end(self, _name: str) -> None:
        stack = self._stack
        if len(stack) > 1:
            stack.pop()
        elif stack:
            element = stack.pop()
            self._elements = self._size = 0
            self.received(element)
        else:
            self._closed()

    def _text(self, text: str) -> None:
        if self._stack:
            children = self._stack[-1].children
            if children and isinstance(children[-1], str):
                children[-1] += text
            else:
                children.append(text)


def _cut(name: str) -> tuple[str, str]:
    uri, _, local = name.rpartition(_SEPARATOR)
    return uri, local


def _named(attributes: dict[str, str]) -> dict[AttributeName, str]:
    return {_cut(key) if _SEPARATOR in key else key: value for key, value in attributes.items()}


def _refuse(*_: object) -> NoReturn:
    raise ParserError("restricted-xml", "comments, instructions and document types are forbidden")
