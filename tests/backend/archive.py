"""An archive (XEP-0313) as a scripted server plays it."""

from xml.sax.saxutils import escape

NS_MAM = "urn:xmpp:mam:2"
OWN = "alice@server.test"
BOB = "bob@server.test"
QUERY = f"<iq type='set'><query xmlns='{NS_MAM}'/></iq>"
PREFS = f"<iq type='get'><prefs xmlns='{NS_MAM}'/></iq>"
INFO = f"<iq type='get' to='{OWN}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"


class Archived:
    """An archive on the scripted server, in pages of a few messages.

    :param owner: whose: the account's, or a room's
    """

    def __init__(self, size: int = 3, owner: str = OWN) -> None:
        self.owner = owner
        self.size = size
        self.kept: list[tuple[str, str, str]] = []
        #: What each query asked for: after, before, with, start.
        self.asked: list[dict[str, str | None]] = []
        self.default = "always"
        self.forgotten: set[str] = set()

    def keep(self, id_: str, body: str, *, by: str = BOB, to: str = OWN, origin: str = "") -> None:
        """Let it hold a message."""
        self.put(
            id_,
            f"<message from='{by}/x' to='{to}' type='chat' id='{id_}'><body>{escape(body)}</body>"
            f"{_origin_id(origin)}</message>",
        )

    def put(self, id_: str, message: str) -> None:
        """Let it hold a stanza."""
        stamp = f"2026-01-01T00:00:{len(self.kept) // 10:02}Z"
        message = message.replace("<message ", "<message xmlns='jabber:client' ", 1)
        self.kept.append((id_, stamp, message))

    def serve(self, peer) -> None:
        """Answer a client's questions of it."""
        self.peer = peer
        if self.owner == OWN:
            peer.on(INFO, self._info)
            peer.on(PREFS, self._prefs)
            peer.on(QUERY, self.page)
        else:
            peer.on(QUERY.replace("type='set'", f"type='set' to='{self.owner}'"), self.page)

    def result(self, query: str, id_: str, stamp: str, message: str, sender: str = "") -> str:
        """Return a message that carries one of its messages."""
        return (
            f"<message from='{sender or self.owner}' to='{OWN}/here'>"
            f"<result xmlns='{NS_MAM}' queryid='{query}' id='{id_}'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay'"
            f" stamp='{stamp}'/>{message}</forwarded></result></message>"
        )

    def _info(self, request) -> str:
        return (
            f"<iq type='result' id='{request.get('id')}' from='{OWN}'>"
            f"<query xmlns='http://jabber.org/protocol/disco#info'><feature var='{NS_MAM}'/>"
            "</query></iq>"
        )

    def _prefs(self, request) -> str:
        return (
            f"<iq type='result' id='{request.get('id')}'>"
            f"<prefs xmlns='{NS_MAM}' default='{self.default}'/></iq>"
        )

    def page(self, request) -> str:
        """Answer a query."""
        query = request.find(f"{{{NS_MAM}}}query")
        rsm = {
            one.tag.partition("}")[2]: one.text or "" for one in query.iter() if "rsm" in one.tag
        }
        fields = {
            one.get("var"): one.findtext("{jabber:x:data}value")
            for one in query.iter("{jabber:x:data}field")
        }
        after, before = rsm.get("after"), rsm.get("before")
        self.asked.append({"after": after, "before": before, **fields})
        ids = [id_ for id_, _, _ in self.kept]
        if {after, before} & self.forgotten:
            return (
                f"<iq type='error' id='{request.get('id')}' from='{self.owner}'>"
                "<error type='cancel'><item-not-found"
                " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
        found = self.kept
        if fields.get("with"):
            found = [one for one in found if f"'{fields['with']}" in one[2]]
        if before is not None:
            end = ids.index(before) if before else len(ids)
            found = [one for one in found if ids.index(one[0]) < end]
            page, complete = found[-self.size :], len(found) <= self.size
        else:
            begin = ids.index(after) + 1 if after else 0
            found = [one for one in found if ids.index(one[0]) >= begin]
            page, complete = found[: self.size], len(found) <= self.size
        last = f"<last>{page[-1][0]}</last>" if page else ""
        return "".join(self.result(query.get("queryid"), *one) for one in page) + (
            f"<iq type='result' id='{request.get('id')}' from='{self.owner}'><fin xmlns='{NS_MAM}'"
            f" complete='{str(complete).lower()}'>"
            f"<set xmlns='http://jabber.org/protocol/rsm'>{last}</set></fin></iq>"
        )


async def arrive(home, archive: Archived, alice=None, **login):
    """Let a profile log in at a server with an archive, of which nothing is answered yet.

    :param alice: who comes back; a new profile if it is missing
    """
    if alice is None:
        alice = await home.profile(connect=False)
    home.call("profile.connect", name="alice").addErrback(lambda _: None)
    alice.peer = await alice.server.accept()
    await alice.peer.log_in(resource="here", **login)
    alice.peer.serve(alice.roster)
    archive.serve(alice.peer)
    return alice


def _origin_id(id_: str) -> str:
    return f"<origin-id xmlns='urn:xmpp:sid:0' id='{id_}'/>" if id_ else ""
