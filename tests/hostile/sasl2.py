"""The login by SASL2 from the server's side (XEP-0388), with all that can go with it."""

import base64
import hashlib
import hmac

from tests.hostile.login import NS_SASL, NS_SM
from tests.hostile.scram import Refused, ScramServer

NS_SASL2 = "urn:xmpp:sasl:2"
NS_BIND2 = "urn:xmpp:bind:0"
NS_FAST = "urn:xmpp:fast:0"
NS_UPGRADE = "urn:xmpp:sasl:upgrade:0"
NS_CB = "urn:xmpp:sasl-cb:0"

_S2 = f"{{{NS_SASL2}}}"
BINDINGS = ("tls-exporter", "tls-server-end-point")


def channel(peer) -> dict[str, bytes]:
    """Return what the server's end knows of the channel."""
    connection = peer.transport.getHandle()
    certificate = connection.get_certificate().to_cryptography()
    from cryptography.hazmat.primitives.serialization import Encoding

    return {
        "tls-exporter": connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b""),
        "tls-server-end-point": hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest(),
    }


def cb_feature(bindings: tuple[str, ...] | None) -> str:
    """Return the stream feature of XEP-0440."""
    if bindings is None:
        return ""
    listed = "".join(f"<channel-binding type='{one}'/>" for one in bindings)
    return f"<sasl-channel-binding xmlns='{NS_CB}'>{listed}</sasl-channel-binding>"


def offer_text(mechanisms, bindings) -> str:
    """Return what XEP-0474 hashes."""
    text = "\x1e".join(sorted(mechanisms))
    return text if bindings is None else f"{text}\x1f" + "\x1e".join(sorted(bindings))


class Sasl2Server:
    """What a server can, for one connection after the other.

    :param tokens: mechanisms for which it gives tokens
    :param upgrades: names of tasks
    :param sessions: whether they can be resumed inline
    :param bind: whether it binds inline; ``manage`` whether stream management too
    """

    def __init__(
        self,
        mechanisms=("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"),
        bindings=BINDINGS,
        *,
        tokens=(),
        upgrades=(),
        bind=True,
        manage=True,
        also_older=False,
        hashed_offer=None,
        sessions=False,
        expiry="2036-01-01T00:00:00Z",
    ) -> None:
        self.mechanisms = mechanisms
        self.bindings = bindings
        self.token_mechanisms = tokens
        self.upgrades = upgrades
        self.bind = bind
        self.manage = manage
        self.also_older = also_older
        self.hashed_offer = hashed_offer
        self.sessions = sessions
        self.expiry = expiry
        #: Sessions that can be resumed.
        self.known: list[str] = []
        #: Tokens that are good, with their mechanism.
        self.tokens: dict[str, str] = {}
        #: What it has learnt by upgrades.
        self.hashes: dict[str, bytes] = {}
        #: Each request, in order, and the flag of the last SCRAM.
        self.requests: list = []
        self.flag = ""
        self.rotate = False
        self.proof = True

    def features(self) -> str:
        """Return the stream features before authentication."""
        listed = "".join(f"<mechanism>{name}</mechanism>" for name in self.mechanisms)
        upgrades = "".join(f"<upgrade xmlns='{NS_UPGRADE}'>{n}</upgrade>" for n in self.upgrades)
        inline = ""
        if self.bind:
            var = f"<feature var='{NS_SM}'/>" if self.manage else ""
            inline += f"<bind xmlns='{NS_BIND2}'><inline>{var}</inline></bind>"
        if self.sessions:
            inline += f"<sm xmlns='{NS_SM}'/>"
        if self.token_mechanisms:
            names = "".join(f"<mechanism>{name}</mechanism>" for name in self.token_mechanisms)
            inline += f"<fast xmlns='{NS_FAST}'>{names}</fast>"
        older = (
            f"<mechanisms xmlns='{NS_SASL}'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"
            if self.also_older
            else ""
        )
        return (
            f"<authentication xmlns='{NS_SASL2}'>{listed}<inline>{inline}</inline>{upgrades}"
            f"</authentication>{older}{cb_feature(self.bindings)}"
        )

    async def log_in(self, peer, before: str | None = None) -> str:
        """Log the client in, and return the mechanism that did it.

        :param before: return when the client waits for ``answer``, ``proof`` or ``features``
        """
        await peer.log_in(before="mechanisms")
        peer.send(f"<stream:features>{self.features()}</stream:features>")
        while True:
            request = await peer.expect(f"<authenticate xmlns='{NS_SASL2}' mechanism='*'/>")
            self.requests.append(request)
            if before == "answer":
                return ""
            name = request.get("mechanism")
            given = base64.b64decode(request.findtext(f"{_S2}initial-response"))
            try:
                data = await self._check(peer, name, given, request)
            except Refused:
                peer.send(
                    f"<failure xmlns='{NS_SASL2}'><not-authorized xmlns='{NS_SASL}'/></failure>"
                )
                continue
            break
        if before == "proof":
            return name
        for task in request.findall(f"{{{NS_UPGRADE}}}upgrade"):
            await self._upgrade(peer, task.text, data)
            data = b""
        self._succeed(peer, request, name, data if self.proof else b"")
        if before == "features":
            return name
        peer.send(f"<stream:features><sm xmlns='{NS_SM}'/></stream:features>")
        return name

    async def _check(self, peer, name, given, request) -> bytes:
        if name.startswith("HT-"):
            user, _, proof = given.partition(b"\0")
            kind = {"EXPR": "tls-exporter", "ENDP": "tls-server-end-point"}.get(name[-4:])
            data = channel(peer)[kind] if kind else b""
            assert request.find(f"{{{NS_FAST}}}fast") is not None
            assert user.decode() == peer.server.user
            for token, mechanism in self.tokens.items():
                if mechanism == name and hmac.compare_digest(
                    proof, hmac.digest(token.encode(), b"Initiator" + data, "sha256")
                ):
                    return hmac.digest(token.encode(), b"Responder" + data, "sha256")
            raise Refused("no such token")
        if name == "PLAIN":
            return b""
        scram = ScramServer(
            name,
            peer.server.password,
            binding=channel(peer),
            offered_plus=any(one.endswith("-PLUS") for one in self.mechanisms),
            offer=self.hashed_offer,
        )
        first = scram.first(given)
        self.flag = scram.flag
        peer.send(f"<challenge xmlns='{NS_SASL2}'>{base64.b64encode(first).decode()}</challenge>")
        response = await peer.expect(f"<response xmlns='{NS_SASL2}'/>")
        return scram.final(base64.b64decode(response.text))

    async def _upgrade(self, peer, task: str, data: bytes) -> None:
        more = _additional(data)
        peer.send(
            f"<continue xmlns='{NS_SASL2}'>{more}<tasks><task>{task}</task></tasks></continue>"
        )
        await peer.expect(f"<next xmlns='{NS_SASL2}' task='{task}'/>")
        peer.send(
            f"<task-data xmlns='{NS_SASL2}'><salt xmlns='urn:xmpp:scram-upgrade:0'"
            f" iterations='4096'>{base64.b64encode(b'pepper').decode()}</salt></task-data>"
        )
        answer = await peer.expect(f"<task-data xmlns='{NS_SASL2}'/>")
        self.hashes[task] = base64.b64decode(answer.findtext("{urn:xmpp:scram-upgrade:0}hash"))

    def _succeed(self, peer, request, name, data: bytes) -> None:
        bare = f"{peer.server.user}@{peer.server.domain}"
        bind = request.find(f"{{{NS_BIND2}}}bind")
        inner = ""
        peer.jid = bare
        resume = request.find(f"{{{NS_SM}}}resume")
        resumed = resume is not None and resume.get("previd") in self.known
        if resumed:
            inner += f"<resumed xmlns='{NS_SM}' previd='{resume.get('previd')}' h='0'/>"
            peer.jid = f"{bare}/sat.1"
            peer.stanzas = 0
        elif resume is not None:
            inner += f"<failed xmlns='{NS_SM}' h='0'/>"
        if bind is not None and self.bind and not resumed:
            peer.jid = f"{bare}/{bind.findtext(f'{{{NS_BIND2}}}tag')}.1"
            enabled = ""
            if bind.find(f"{{{NS_SM}}}enable") is not None:
                session = f"session {len(self.known)}"
                self.known.append(session)
                can = f" id='{session}' resume='true'" if self.sessions else ""
                enabled = f"<enabled xmlns='{NS_SM}'{can}/>"
                peer.stanzas = 0
            inner += f"<bound xmlns='{NS_BIND2}'>{enabled}</bound>"
        wanted = request.find(f"{{{NS_FAST}}}request-token")
        mechanism = wanted.get("mechanism") if wanted is not None else name if self.rotate else None
        if mechanism is not None:
            token = f"token {len(self.tokens)}"
            self.tokens[token] = mechanism
            inner += f"<token xmlns='{NS_FAST}' token='{token}' expiry='{self.expiry}'/>"
        peer.send(
            f"<success xmlns='{NS_SASL2}'>{_additional(data)}"
            f"<authorization-identifier>{peer.jid}</authorization-identifier>{inner}</success>"
        )


def _additional(data: bytes) -> str:
    if not data:
        return ""
    return f"<additional-data>{base64.b64encode(data).decode()}</additional-data>"
