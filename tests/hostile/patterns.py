"""Compare XML with a pattern: what the pattern has must be there; what it hasn't may be."""

from xml.etree import ElementTree as ET

NS_CLIENT = "jabber:client"
#: As an attribute's value in a pattern: it must be there, whatever it says.
ANY = "*"

_PREFIXES = (
    "xmlns:stream='http://etherx.jabber.org/streams'",
    f"xmlns='{NS_CLIENT}'",
)


def parse(xml: str) -> ET.Element:
    """Read one element as if it stood in a stream: without xmlns it is in ``jabber:client``."""
    return ET.fromstring(f"<root {' '.join(_PREFIXES)}>{xml}</root>")[0]


def show(element: ET.Element) -> str:
    """Return an element as text, for a person."""
    return ET.tostring(element, encoding="unicode")


def matches(pattern: ET.Element, element: ET.Element) -> bool:
    """Tell whether an element has the pattern's name, attributes, text and children."""
    if pattern.tag != element.tag:
        return False
    for name, value in pattern.attrib.items():
        if value == ANY:
            if name not in element.attrib:
                return False
        elif element.get(name) != value:
            return False
    text = (pattern.text or "").strip()
    if text and (element.text or "").strip() != text:
        return False
    return all(any(matches(child, other) for other in element) for child in pattern)
