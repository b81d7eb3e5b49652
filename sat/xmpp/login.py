"""The steps from an open connection to a bound stream (RFC 6120, sections 4 to 7)."""

from __future__ import annotations

from random import Random

from sat.xmpp.account import Account, Features, Resumable, Resumption
from sat.xmpp.authenticate import Prover, Refused, log_in
from sat.xmpp.choice import Offer
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, StanzaError
from sat.xmpp.jid import JID
from sat.xmpp.management import WRAP, count_of
from sat.xmpp.namespaces import NS_BIND, NS_CLIENT, NS_SASL, NS_SASL2, NS_SM, NS_TLS
from sat.xmpp.sasl2 import Sasl2, Success
from sat.xmpp.steps import Steps, unexpected
from sat.xmpp.stream import Stream
from sat.xmpp.tls import Verifier

#: What a server may call a session (XEP-0198, section 5), in characters.
_MAX_ID = 4000

#: A login by SASL2 that ends without a word counts as much, ...
_BROKEN, _SILENT = 1, 2
#: ... and from this count on, the older profile is used.
_TOO_OFTEN = 2


class Login:
    """One login over one stream.

    :param seconds: how long the server may take for each answer
    :param random: for nonces and ids; it must be one that can't be foreseen
    :param first_seconds: how long it may take for those before authentication; by default as long
    """

    def __init__(
        self,
        stream: Stream,
        account: Account,
        random: Random,
        seconds: float,
        first_seconds: float | None = None,
    ) -> None:
        self._stream = stream
        self._account = account
        self._random = random
        self._later_seconds = seconds
        self._steps = Steps(
            stream, account.jid.host, seconds if first_seconds is None else first_seconds
        )
        #: Whether the authentication has begun: what goes wrong now isn't this one host's fault.
        self.authenticating = False

    @property
    def early(self) -> list[Element]:
        """Stanzas that came before the stream was ready for them."""
        return self._steps.early

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """Log in.

        :param verifier: checks the certificate, now unless it did when the connection was made
        :param previous: the session to go on with, if the server still has it
        :raises Fault: why it failed
        """
        steps = self._steps
        offered = await secure(steps, verifier, self._account)
        self.authenticating = True
        steps.seconds = self._later_seconds
        extensible = offered.child("authentication", NS_SASL2)
        older = offered.child("mechanisms", NS_SASL)
        broken = self._account.memory.sasl2_failures >= _TOO_OFTEN and older is not None
        if extensible is not None and not broken:
            done = await self._extensible(offered, extensible, verifier, previous)
            answer = done.answer("resumed", "failed")
            if answer is not None and answer.name == "resumed" and previous is not None:
                # The features that may come now are of no use: the session has its own.
                return _goes_on(previous, count_of(answer.get("h")), frozenset(), done.mechanism)
            offered = steps.features(await steps.past_stanzas())
        else:
            prover = Prover(self._account, verifier, Offer.read(offered, older), self._random)
            choice = await log_in(steps, prover)
            done = Success(choice.name, None, ())
            offered = await steps.open(self._account.jid.userhost())
        return await self._begin(offered, done, previous)

    async def _begin(self, offered: Element, done: Success, previous: Resumable | None) -> Features:
        """Resume or bind a session, as far as that isn't done yet."""
        names = frozenset((child.uri or "", child.name) for child in offered.elements())
        managed = (NS_SM, "sm") in names
        answer = done.answer("failed")
        refused = _count(answer) if answer is not None else None
        if managed and previous is not None and answer is None and done.jid is None:
            goes_on, count = await self._resume(previous)
            if goes_on:
                return _goes_on(previous, count, names, done.mechanism)
            refused = count
        jid = done.jid or await self._bind()
        enabled = done.answer("enabled")
        if enabled is None and managed:
            enabled = await self._manage()
        return Features(
            jid,
            names,
            enabled is not None,
            done.mechanism,
            _resumption(enabled) if enabled is not None else None,
            refused=refused,
        )

    async def _extensible(
        self, offered: Element, listed: Element, verifier: Verifier, previous: Resumable | None
    ) -> Success:
        memory = self._account.memory
        prover = Prover(self._account, verifier, Offer.read(offered, listed), self._random)
        # Bind 2 lets the server choose the resource.
        bind = (self._account.resource or self._account.jid.resource) is None
        resume = _resume_request(previous) if previous is not None else None
        login = Sasl2(self._steps, prover, listed, bind=bind, resume=resume)
        try:
            done = await login.run()
        except Refused:
            raise
        except Fault as fault:
            if not fault.final and not login.lost_in_token:
                silent = fault.reason == "timeout.login"
                memory.sasl2_failures += _SILENT if silent else _BROKEN
            raise
        memory.sasl2_failures = 0
        return done

    async def _bind(self) -> JID:
        resource = self._account.resource or self._account.jid.resource
        for wanted in (resource, None) if resource else (None,):
            answer = await self._ask_to_bind(wanted)
            if answer.get("type") == "result":
                bind = answer.child("bind", NS_BIND)
                address = bind.child("jid", NS_BIND) if bind is not None else None
                try:
                    return JID(address.text if address is not None else "")
                except ValueError as error:
                    raise Fault("stream.bind", f"The server gave no address: {error}") from None
            refusal = StanzaError.from_element(answer)
            if wanted is None or refusal.condition != "conflict":
                raise Fault("stream.bind", f"The server gave no resource ({refusal}).")
        raise AssertionError("the last try either returns or raises")

    async def _ask_to_bind(self, resource: str | None) -> Element:
        id_ = f"bind-{self._random.getrandbits(32):08x}"
        request = Element((NS_CLIENT, "iq"), {"type": "set", "id": id_})
        bind = request.add("bind", NS_BIND)
        if resource is not None:
            bind.add("resource", text=resource)
        self._stream.send(request)
        return await self._steps.past_stanzas("iq", id_)

    async def _resume(self, previous: Resumable) -> tuple[bool, int | None]:
        """Ask for an earlier session; tell whether it goes on, and the server's count of ours."""
        self._stream.send(_resume_request(previous))
        answer = await self._steps.next()
        if answer.uri != NS_SM or answer.name not in ("resumed", "failed"):
            raise unexpected(answer, "an answer about the last session")
        if answer.name == "resumed":
            return True, count_of(answer.get("h"))
        return False, _count(answer)

    async def _manage(self) -> Element | None:
        """Have stanzas acknowledged; return what the server says, None if it refuses."""
        self._stream.send(Element((NS_SM, "enable"), {"resume": "true"}))
        while True:
            answer = await self._steps.past_stanzas()
            if answer.uri == NS_SM and answer.name in ("enabled", "failed"):
                return answer if answer.name == "enabled" else None


def _resume_request(previous: Resumable) -> Element:
    handled = str(previous.handled % WRAP)
    return Element((NS_SM, "resume"), {"previd": previous.id, "h": handled})


def _goes_on(
    previous: Resumable, count: int | None, names: frozenset[tuple[str, str]], mechanism: str
) -> Features:
    resumption = Resumption(previous.id, previous.location)
    return Features(previous.jid, names, True, mechanism, resumption, resumed=count)


def _count(answer: Element) -> int | None:
    count = answer.get("h")
    return count_of(count) if count is not None else None


def _resumption(enabled: Element) -> Resumption | None:
    """Read how a session can be resumed (XEP-0198, section 3); None if it can't be."""
    id_ = enabled.get("id")
    if not id_ or len(id_) > _MAX_ID or enabled.get("resume") not in ("true", "1"):
        return None
    seconds = enabled.get("max") or ""
    known = seconds.isascii() and seconds.isdigit() and len(seconds) < 10
    return Resumption(id_, enabled.get("location"), int(seconds) if known else None)


async def secure(steps: Steps, verifier: Verifier, account: Account) -> Element:
    """Begin a stream within TLS, of which the certificate is right; return what it offers.

    :raises Fault: if the server can't encrypt, or isn't who it should be
    """
    if not verifier.direct:
        offered = await steps.open(None)
        if offered.child("starttls", NS_TLS) is None:
            raise Fault(
                "tls.missing",
                f"The server of {steps.domain} doesn't offer encryption, or someone in between "
                "has removed the offer; the password isn't sent in clear. If the server has a "
                "port for direct TLS, use that.",
            )
        steps.send(Element((NS_TLS, "starttls")))
        answer = await steps.next()
        if answer.uri != NS_TLS or answer.name != "proceed":
            raise Fault("tls.refused", f"The server of {steps.domain} can't encrypt just now.")
        steps.stream.start_tls(verifier)
    offered = await steps.open(account.jid.userhost() if account.jid.user else None)
    if not verifier.passed:  # OpenSSL has ended a handshake without asking for the check
        raise Fault("tls.failed", f"The certificate of {steps.domain} wasn't checked.")
    return offered
