"""Message archives (XEP-0313), in pages (XEP-0059): what is asked, and what comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sat.xmpp.element import Element
from sat.xmpp.jid import JID
from sat.xmpp.namespaces import NS_CLIENT
from sat.xmpp.stanza import NS_DELAY, Iq
from sat.xmpp.times import parse_datetime

NS_FORM = "jabber:x:data"
NS_FORWARD = "urn:xmpp:forward:0"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"

#: What an archive may call a message, in characters.
_MAX_ID = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of an archive: the first messages after a point, or the last ones before one.

    :param after: only messages after this one, by the archive's id
    :param before: only messages before this one; "" for the end of the archive. Then the page is
        the last one of what matches, in order of time all the same
    :param with_: only those exchanged with this address, any resource of it if it is bare
    :param start: only those from then on
    :param end: only those up to then
    :param most: so many at most; a server may give fewer
    """

    after: str | None = None
    before: str | None = None
    with_: JID | None = None
    start: datetime | None = None
    end: datetime | None = None
    most: int = 100

    def to_element(self, id_: str) -> Element:
        """Write it, with an id that the results repeat (XEP-0313, section 4.1)."""
        query = Element((NS_MAM, "query"), {"queryid": id_})
        form = query.add("x", NS_FORM)
        form["type"] = "submit"
        _field(form, "FORM_TYPE", NS_MAM, hidden=True)
        if self.with_ is not None:
            _field(form, "with", self.with_.full())
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None:
                _field(form, name, f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        rsm = query.add("set", NS_RSM)
        rsm.add("max", text=str(self.most))
        if self.after is not None:
            rsm.add("after", text=self.after)
        if self.before is not None:
            rsm.add("before", text=self.before)
        return query


@dataclass(frozen=True, slots=True)
class Result:
    """A message of an archive.

    :param query: the id of the query that it answers
    :param id: the archive's own
    :param stamp: when the server got it, in UTC; None if it doesn't say
    :param message: the stanza, as it was
    """

    query: str
    id: str
    stamp: datetime | None
    message: Element


@dataclass(frozen=True, slots=True)
class Page:
    """What an archive says at the end of a page.

    :param complete: whether nothing that matches lies beyond it
    :param last: the id of its last message; None if it is empty
    """

    complete: bool
    last: str | None


def read_result(element: Element) -> Result | None:
    """Read what a message carries of an archive; None if it carries nothing that can be read.

    Who sent it, and whether it was asked for, is for the caller to check.
    """
    result = element.child("result", NS_MAM)
    forwarded = result.child("forwarded", NS_FORWARD) if result is not None else None
    if result is None or forwarded is None:
        return None
    message = forwarded.child("message", NS_CLIENT)
    id_ = result.get("id") or ""
    if message is None or not 0 < len(id_) <= _MAX_ID:
        return None
    stamp = None
    delay = forwarded.child("delay", NS_DELAY)
    if delay is not None:
        try:
            stamp = parse_datetime(delay.get("stamp") or "")
        except ValueError:
            stamp = None
    return Result(result.get("queryid") or "", id_, stamp, message)


def read_page(answer: Iq) -> Page:
    """Read the answer to a query (XEP-0313, section 4.3)."""
    fin = answer.payload
    if fin is None or fin.uri != NS_MAM or fin.name != "fin":
        return Page(complete=True, last=None)
    rsm = fin.child("set", NS_RSM)
    last = rsm.child("last", NS_RSM) if rsm is not None else None
    text = last.text if last is not None else ""
    return Page(
        complete=fin.get("complete") in ("true", "1"),
        last=text if 0 < len(text) <= _MAX_ID else None,
    )


def prefs_query() -> Element:
    """Return the question for what is archived (XEP-0441, section 2)."""
    return Element((NS_MAM, "prefs"))


@dataclass(frozen=True, slots=True)
class Prefs:
    """What a server archives: ``default`` is always, never or roster; the JIDs are exceptions."""

    default: str = "never"
    always: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def archives(self, bare: str, in_roster: bool) -> bool:
        """Tell whether messages exchanged with a bare JID are archived."""
        if bare in self.never:
            return False
        wanted = self.default == "always" or (self.default == "roster" and in_roster)
        return bare in self.always or wanted


def read_prefs(answer: Iq) -> Prefs:
    """Read what a server archives."""
    prefs = answer.payload
    if prefs is None or prefs.uri != NS_MAM or prefs.name != "prefs":
        return Prefs()

    def listed(name: str) -> frozenset[str]:
        found = prefs.child(name, NS_MAM)
        jids = found.elements(NS_MAM) if found is not None else ()
        return frozenset(jid.text.strip() for jid in jids if jid.name == "jid")

    return Prefs(prefs.get("default") or "never", listed("always"), listed("never"))


def _field(form: Element, name: str, value: str, hidden: bool = False) -> None:
    field = form.add("field")
    field["var"] = name
    if hidden:
        field["type"] = "hidden"
    field.add("value", text=value)
