"""XEP-0092: Software Version."""

from __future__ import annotations

import sat
from sat.bridge.model import Model
from sat.plugin import JID, Element, Iq, Level, Plugin, StanzaError, command, iq_get, option

NS_VERSION = "jabber:iq:version"


class SoftwareVersion(Model, frozen=True, kw_only=True):
    """What a peer says that it runs."""

    name: str
    version: str
    os: str


class Version(Plugin):
    """Tell which program this is, and ask others."""

    name = "version"
    features = (NS_VERSION,)
    answer_strangers = option(
        False, help="answer those who are no contacts as well: they learn that we are there"
    )

    @iq_get(NS_VERSION, "query")
    async def answer(self, request: Iq) -> Element | None:
        """Answer with name and version; the operating system is nobody's business.

        :raises StanzaError: to strangers, with what a server says of somebody who isn't there
        """
        known = request.from_ is None or self.host.in_roster(request.from_)
        if not known and not self.answer_strangers:
            raise StanzaError("service-unavailable")
        query = Element((NS_VERSION, "query"))
        query.add("name", text="Salut à Toi")
        query.add("version", text=sat.__version__)
        return query

    @command(level=Level.READ)
    async def get(self, peer: JID) -> SoftwareVersion:
        """Ask a peer which program it runs (XEP-0092, section 3).

        :param peer: whom: a full JID for a person's client, a bare one for a server
        :raises StanzaError: if the peer does not tell
        """
        query = Element((NS_VERSION, "query"))
        answer = await self.request(Iq(type="get", to=peer, extensions=[query]))
        told = answer.payload
        if told is None:
            return SoftwareVersion(name="", version="", os="")
        texts = {child.name: child.text for child in told.elements()}
        return SoftwareVersion(
            name=texts.get("name", ""), version=texts.get("version", ""), os=texts.get("os", "")
        )
