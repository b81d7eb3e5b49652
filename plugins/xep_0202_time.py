"""XEP-0202: Entity Time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from sat.bridge.model import Model
from sat.plugin import (
    JID,
    CommandError,
    Element,
    Iq,
    Level,
    Plugin,
    StanzaError,
    command,
    iq_get,
    option,
)
from sat.xmpp.stanza import format_datetime, parse_datetime

NS_TIME = "urn:xmpp:time"
_OFFSET = re.compile(r"Z|[+-](?:0\d|1[0-4]):[0-5]\d")


class EntityTime(Model, frozen=True, kw_only=True):
    """What a peer's clock says.

    ``offset`` is that of its local time from UTC, as +01:00; ``ahead`` how many seconds its clock
    is before ours, as exactly as the round trip allows.
    """

    utc: datetime
    offset: str
    ahead: float


class Time(Plugin):
    """Ask what time it is where others are, and tell it if the person wants that."""

    name = "time"
    features = (NS_TIME,)
    answer_contacts = option(
        False,
        help="tell those who see our presence what time it is here: they learn the time zone",
    )

    def advertised(self) -> Iterable[str]:
        """Say that the time can be asked only where it is told."""
        return self.features if self.answer_contacts else ()

    @iq_get(NS_TIME, "time")
    async def answer(self, request: Iq) -> Element:
        """Answer with the local time (XEP-0202, section 3).

        :raises StanzaError: where it is not to be told
        """
        known = request.from_ is None or self.host.in_roster(request.from_)
        if not known or not self.answer_contacts:
            raise StanzaError("service-unavailable")
        now = datetime.now().astimezone()
        offset = now.strftime("%z")
        answer = Element((NS_TIME, "time"))
        answer.add("tzo", text=f"{offset[:3]}:{offset[3:5]}")
        answer.add("utc", text=format_datetime(now.replace(microsecond=0)))
        return answer

    @command(level=Level.READ, cli="time")
    async def get(self, jid: JID) -> EntityTime:
        """Ask a peer what time it is there (XEP-0202, section 2).

        :param jid: whom: a full JID for a person's program, a bare one for a server
        :raises StanzaError: if the peer does not tell
        :raises failed.answer: if what it tells is no time
        """
        begun = time.monotonic()
        answer = await self.request(Iq(type="get", to=jid, extensions=[Element((NS_TIME, "time"))]))
        took = time.monotonic() - begun
        told = answer.payload
        texts = {one.name: one.text.strip() for one in told.elements(NS_TIME)} if told else {}
        offset = texts.get("tzo", "")
        try:
            utc = parse_datetime(texts.get("utc", ""))
        except ValueError:
            utc = None
        if utc is None or not _OFFSET.fullmatch(offset):
            raise CommandError("failed.answer", f"{jid.full()} answered with what is no time")
        ahead = (utc - datetime.now(UTC)).total_seconds() + took / 2
        return EntityTime(utc=utc, offset="+00:00" if offset == "Z" else offset, ahead=ahead)
