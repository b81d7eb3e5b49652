"""A room as a scripted server plays it, for one client of it."""

from xml.sax.saxutils import escape, quoteattr

ROOM = "room@muc.test"
NS_MUC = "http://jabber.org/protocol/muc"
NS_USER = f"{NS_MUC}#user"
NS_INFO = "http://jabber.org/protocol/disco#info"
NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SID = "urn:xmpp:sid:0"
OCCUPANT_ID = "urn:xmpp:occupant-id:0"
FEATURES = (NS_MUC, SID, OCCUPANT_ID)
JOIN = f"<presence><x xmlns='{NS_MUC}'/></presence>"


def occupant(
    nick: str, *codes: int, type: str = "", item: str = "", more: str = "", role: str = ""
) -> str:
    """Return a room's presence about somebody."""
    kind = f" type='{type}'" if type else ""
    role = role or ("none" if type else "participant")
    status = "".join(f"<status code='{code}'/>" for code in codes)
    return (
        f"<presence from={quoteattr(f'{ROOM}/{nick}')}{kind}>"
        f"<x xmlns='{NS_USER}'><item affiliation='none' role='{role}' {item}/>{status}{more}</x>"
        f"<occupant-id xmlns='{OCCUPANT_ID}' id='id-{nick}'/></presence>"
    )


def gone(*codes: int, more: str = "", item: str = "", nick: str = "alice") -> str:
    """Return what the room says to whom it lets go."""
    return occupant(nick, 110, *codes, type="unavailable", more=more, item=item)


def said(
    body: str,
    nick: str = "bob",
    id: str = "m1",
    *,
    archived: str = "",
    origin: str = "",
    stamp: str = "",
    author: str | None = None,
    by: str = ROOM,
    delay_from: str = ROOM,
) -> str:
    """Return a message of the room."""
    more = ""
    if archived:
        more += f"<stanza-id xmlns='{SID}' id='{archived}' by='{by}'/>"
    if origin:
        more += f"<origin-id xmlns='{SID}' id='{origin}'/>"
    if stamp:
        more += f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}' from='{delay_from}'/>"
    if author is not None:
        more += f"<occupant-id xmlns='{OCCUPANT_ID}' id='{author}'/>"
    with_id = f" id={quoteattr(id)}" if id else ""
    return (
        f"<message from={quoteattr(f'{ROOM}/{nick}')} type='groupchat'{with_id}>"
        f"<body>{escape(body)}</body>{more}</message>"
    )


def subject(text: str = "") -> str:
    """Return the message that ends what was said before."""
    return (
        f"<message from='{ROOM}/bob' type='groupchat'><subject>{escape(text)}</subject></message>"
    )


def refusal(condition: str, kind: str = "cancel", nick: str = "alice", text: str = "") -> str:
    """Return the room's answer to who is not let in."""
    words = f"<text xmlns='{NS_STANZAS}'>{text}</text>" if text else ""
    return (
        f"<presence from='{ROOM}/{nick}' type='error'><x xmlns='{NS_MUC}'/><error type='{kind}'>"
        f"<{condition} xmlns='{NS_STANZAS}'/>{words}</error></presence>"
    )


class Venue:
    """The room on the other side of a peer.

    :param features: what it says that it can do
    :param history: stanzas of the time before, sent to who joins
    :param answer: in place of letting in: what it sends
    """

    def __init__(self, peer, *, features=FEATURES, history="", answer=None, topic="", codes=()):
        self.peer = peer
        self.features = features
        self.history = history
        self.answer = answer
        self.topic = topic
        self.codes = codes
        #: The presences of those who wanted in.
        self.joins: list = []
        peer.on(f"<iq type='get' to='{ROOM}'><query xmlns='{NS_INFO}'/></iq>", self._describe)
        peer.on(JOIN, self._join)

    def _describe(self, request) -> None:
        features = "".join(f"<feature var='{one}'/>" for one in self.features)
        self.peer.answer(request, f"<query xmlns='{NS_INFO}'>{features}</query>")

    def _join(self, presence) -> str:
        self.joins.append(presence)
        nick = presence.get("to").partition("/")[2]
        if self.answer is not None:
            answer = self.answer(nick) if callable(self.answer) else self.answer
            if answer is not None:
                return answer
        return (
            occupant("bob", item="jid='bob@server.test/x'", role="moderator")
            + occupant(nick, 110, *self.codes)
            + self.history
            + (subject(self.topic) if self.topic is not None else "")
        )


async def joined(home, person, **how) -> Venue:
    """Let a person join the room, and return it."""
    venue = Venue(person.peer, **how)
    await home.call("room.join", room=ROOM)
    return venue


async def bodies(home, peer: str = ROOM) -> list[str]:
    """Return what stands in a conversation."""
    return [one["body"] for one in await home.call("message.list", peer=peer, limit=1000)]
