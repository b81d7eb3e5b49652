"""XML elements: what is read from a stream and written to it.

The class answers to the names of :class:`twisted.words.xish.domish.Element`, but it is typed, a
mistyped attribute is an error, and a child has no reference to its parent: a stanza is freed as
soon as nobody holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

NS_XML = "http://www.w3.org/XML/1998/namespace"

#: An attribute's name: plain, or (namespace, name) when it has a prefix.
AttributeName: TypeAlias = "str | tuple[str, str]"

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"}
_TEXT = re.compile("[&<>\r]")
_SHORT = 100
_ATTRIBUTE = re.compile("[&<>'\"\t\n\r]")


def clean(text: str) -> str:
    """Return the text without the characters that XML 1.0 can't carry (section 2.2).

    These are NUL and most control characters, U+FFFE, U+FFFF and lone surrogates: one of them would
    make the server close the stream.
    """
    # What is printable is allowed, and most texts are: telling so costs half as much.
    if text.isprintable() or not _FORBIDDEN.search(text):
        return text
    return _FORBIDDEN.sub("", text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _ESCAPES.get(character) or f"&#{ord(character)};"


class Element:
    """An element: a name in a namespace, attributes, and children in order.

    :param qname: (namespace, name); a namespace of None is the parent's
    :param attribs: attributes by name, or by (namespace, name)
    """

    __slots__ = ("attributes", "children", "name", "uri")

    def __init__(
        self,
        qname: tuple[str | None, str],
        attribs: dict[str, str] | dict[AttributeName, str] | None = None,
    ) -> None:
        self.uri, self.name = qname
        self.attributes: dict[AttributeName, str] = {} if attribs is None else attribs  # type: ignore[assignment]
        self.children: list[Element | str] = []

    def __repr__(self) -> str:
        return f"<Element {self.toXml()[:200]}>"

    def __str__(self) -> str:
        """Return the first piece of text directly inside, as domish does."""
        for child in self.children:
            if isinstance(child, str):
                return child
        return ""

    def __getitem__(self, name: AttributeName) -> str:
        return self.attributes[name]

    def __setitem__(self, name: AttributeName, value: str) -> None:
        self.attributes[name] = value

    def __delitem__(self, name: AttributeName) -> None:
        del self.attributes[name]

    @property
    def text(self) -> str:
        """All the text directly inside, joined."""
        children = self.children
        if len(children) == 1 and isinstance(children[0], str):
            return children[0]
        return "".join([child for child in self.children if isinstance(child, str)])

    def get(self, name: AttributeName) -> str | None:
        """Return an attribute, or None."""
        return self.attributes.get(name)

    def getAttribute(self, name: AttributeName, default: str | None = None) -> str | None:
        """Return an attribute, or the default."""
        return self.attributes.get(name, default)

    def hasAttribute(self, name: AttributeName) -> bool:
        """Tell whether the attribute is there."""
        return name in self.attributes

    def elements(self, uri: str | None = None, name: str | None = None) -> Iterator[Element]:
        """Iterate over the child elements: all, or those of a namespace, a name, or both."""
        for child in self.children:
            if (
                not isinstance(child, str)
                and (uri is None or child.uri == uri)
                and (name is None or child.name == name)
            ):
                yield child

    def child(self, name: str, uri: str | None = None) -> Element | None:
        """Return the first child of that name, and namespace if one is given, or None."""
        for child in self.children:
            if (
                not isinstance(child, str)
                and child.name == name
                and (uri is None or child.uri == uri)
            ):
                return child
        return None

    def firstChildElement(self) -> Element | None:
        """Return the first child which is an element, or None."""
        return next(self.elements(), None)

    def add(
        self,
        name: str,
        /,
        uri: str | None = None,
        text: str | None = None,
        **attributes: str | None,
    ) -> Element:
        """Append a new child and return it.

        :param uri: its namespace; the own one by default
        :param attributes: those that are None are left out; ``from_`` stands for ``from``
        """
        child = Element((self.uri if uri is None else uri, name))
        for key, value in attributes.items():
            if value is not None:
                child.attributes[key.rstrip("_")] = value
        if text:
            child.children.append(text)
        self.children.append(child)
        return child

    def addElement(
        self, name: str | tuple[str | None, str], uri: str | None = None, content: str | None = None
    ) -> Element:
        """Append a new child, named as domish does it, and return it."""
        if isinstance(name, tuple):
            uri, name = name
        return self.add(name, uri, content)

    def addChild(self, node: Element | str) -> Element | str:
        """Append an element or a text, and return it."""
        self.children.append(node)
        return node

    def addContent(self, text: str) -> str:
        """Append a text, and return it."""
        self.children.append(text)
        return text

    def toXml(self, defaultUri: str = "") -> str:
        """Return the element as XML: see :func:`serialize`."""
        return serialize(self, defaultUri)


def serialize(element: Element, default: str = "") -> str:
    """Return an element as XML that any stream can carry.

    Characters that XML can't hold are dropped (:func:`clean`), namespaces are escaped as any other
    attribute, and no element has a prefix, so that nothing read from one peer can be written to
    another with a different meaning.

    :param default: the default namespace in force where the text goes
    """
    parts: list[str] = []
    write_to(parts.append, element, default)
    return clean("".join(parts))


def write_to(write: Callable[[str], object], element: Element, default: str = "") -> None:
    """Write an element piece by piece, as :func:`serialize` does but for :func:`clean`."""
    name, uri, children = element.name, element.uri, element.children
    start = name
    if uri is not None and uri != default:
        default = uri
        start += _declared(uri)
    if element.attributes:
        start += attributes_of(element)
    if not children:
        write(f"<{start}/>")
        return
    write(f"<{start}>")
    for child in children:
        if not isinstance(child, str):
            write_to(write, child, default)
        elif "<" in child or "&" in child or ">" in child or "\r" in child:
            write(_TEXT.sub(_escape, child))
        else:
            write(child)
    write(f"</{name}>")


def text_of(name: str, text: str) -> str:
    """Return an element that holds text alone, in the namespace in force, as XML."""
    return f"<{name}>{_TEXT.sub(_escape, text)}</{name}>"


def empty_of(start: str, key: str, value: str) -> str:
    """Return an element with one attribute as XML.

    :param start: its name and what else stands before, as XML
    """
    if _ATTRIBUTE.search(value):
        value = _ATTRIBUTE.sub(_escape, value)
    return f"<{start} {key}='{value}'/>"


def _declared(uri: str) -> str:
    # Ours are few and short; a peer's may be many and long.
    return _short(uri) if len(uri) < _SHORT else f" xmlns='{_ATTRIBUTE.sub(_escape, uri)}'"


@lru_cache(maxsize=256)
def _short(uri: str) -> str:
    return f" xmlns='{_ATTRIBUTE.sub(_escape, uri)}'"


def attributes_of(element: Element) -> str:
    """Return an element's attributes as they stand in its start tag, each after a space."""
    text = ""
    for index, (key, value) in enumerate(element.attributes.items()):
        if _ATTRIBUTE.search(value):
            value = _ATTRIBUTE.sub(_escape, value)
        if isinstance(key, str):
            text += f" {key}='{value}'"
        elif key[0] == NS_XML:
            text += f" xml:{key[1]}='{value}'"
        else:
            uri = _ATTRIBUTE.sub(_escape, key[0])
            text += f" xmlns:a{index}='{uri}' a{index}:{key[1]}='{value}'"
    return text
