"""Contacts that show what they can do, and a server's end of a stream that counts who is asked."""

from xml.sax.saxutils import quoteattr

from sat.xmpp.caps import NS_CAPS, NS_CAPS2
from sat.xmpp.disco import DiscoInfo
from tests.xmpp.xml import element

INFO = "http://jabber.org/protocol/disco#info"
NODE = "https://other.test/"


def described(*features: str, more: str = "", name: str = "Other") -> str:
    """Return a description."""
    listed = "".join(f"<feature var={quoteattr(one)}/>" for one in features)
    identity = f"<identity category='client' type='pc' name='{name}'/>"
    return f"<query xmlns='{INFO}'>{identity}{listed}{more}</query>"


def hash_of(description: str) -> str:
    """Return the hash of XEP-0115."""
    return DiscoInfo.from_element(element(description)).caps_hash()


def hash2_of(description: str) -> str:
    """Return the hash of XEP-0390."""
    return DiscoInfo.from_element(element(description)).caps2_hash()


def older(ver: str, algorithm: str | None = "sha-1") -> str:
    """Return what a presence claims (XEP-0115)."""
    named = f" hash='{algorithm}'" if algorithm else ""
    return f"<c xmlns='{NS_CAPS}' node='{NODE}' ver='{ver}'{named}/>"


def newer(value: str) -> str:
    """Return what a presence claims (XEP-0390)."""
    hash_ = f"<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>{value}</hash>"
    return f"<c xmlns='{NS_CAPS2}'>{hash_}</c>"


def presence(sender: str, claim: str = "", type: str = "") -> str:
    """Return a presence."""
    kind = f" type='{type}'" if type else ""
    return f"<presence from='{sender}'{kind}>{claim}</presence>"


class Town:
    """Who answers what when asked for its description, and who was asked.

    :param answers: descriptions by full JID; who has none refuses, ``None`` never answers
    """

    def __init__(self, peer, answers: dict[str, str | None]) -> None:
        self.answers = answers
        #: Whom the daemon asked, in order, and under which node.
        self.asked: list[tuple[str, str | None]] = []
        self._unanswered: dict = {}
        self._peer = peer
        peer.on(f"<iq type='get'><query xmlns='{INFO}'/></iq>", self._reply)

    def answer(self, jid: str, description: str) -> None:
        """Let the first who asked a silent one have its answer."""
        self._peer.answer(self._unanswered.pop(jid), description)

    def _reply(self, request) -> None:
        to = request.get("to")
        self.asked.append((to, request[0].get("node")))
        self._unanswered.setdefault(to, request)
        description = self.answers.get(to, "")
        if description:
            self._peer.answer(request, description)
        elif description is not None:
            self._peer.answer(
                request,
                "<error type='cancel'><service-unavailable "
                "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                type="error",
            )

    @property
    def who(self) -> list[str]:
        """Whom the daemon asked, in order."""
        return [to for to, _ in self.asked]
