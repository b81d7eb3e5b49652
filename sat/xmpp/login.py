"""The steps from an open connection to a bound stream (RFC 6120, sections 4 to 7)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from random import Random

from sat.xmpp import sasl
from sat.xmpp.account import Account, Features, Resumable, Resumption
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, StanzaError, quoted
from sat.xmpp.jid import JID
from sat.xmpp.management import WRAP, count_of
from sat.xmpp.namespaces import NS_BIND, NS_CLIENT, NS_SASL, NS_SM, NS_STREAM, NS_TLS
from sat.xmpp.stream import Stream
from sat.xmpp.tls import Verifier

#: A login that takes more turns than this goes nowhere.
_MAX_TURNS = 10

#: What a server may call a session (XEP-0198, section 5), in characters.
_MAX_ID = 4000

#: Failures of authentication that may pass by themselves (RFC 6120, section 6.5).
_PASSING = frozenset({"temporary-auth-failure"})


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
        self._seconds = seconds if first_seconds is None else first_seconds
        self._domain = account.jid.host
        #: Whether the authentication has begun: what goes wrong now isn't this one host's fault.
        self.authenticating = False
        #: Stanzas that came before the stream was ready for them.
        self.early: list[Element] = []

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """Log in.

        :param verifier: checks the certificate, now unless it did when the connection was made
        :param previous: the session to go on with, if the server still has it
        :raises Fault: why it failed
        """
        if not verifier.direct:
            await self._secure(verifier)
        offered = await self._open()
        self.authenticating = True
        self._seconds = self._later_seconds
        mechanism = await self._authenticate(offered)
        offered = await self._open()
        names = frozenset((child.uri or "", child.name) for child in offered.elements())
        managed = (NS_SM, "sm") in names
        refused = None
        if managed and previous is not None:
            goes_on, count = await self._resume(previous)
            if goes_on:
                resumption = Resumption(previous.id, previous.location)
                return Features(previous.jid, names, True, mechanism, resumption, resumed=count)
            refused = count
        jid = await self._bind()
        enabled = await self._manage() if managed else None
        return Features(
            jid,
            names,
            enabled is not None,
            mechanism,
            _resumption(enabled) if enabled is not None else None,
            refused=refused,
        )

    async def _open(self, secure: bool = True) -> Element:
        self._stream.open(self._domain, self._account.jid.userhost() if secure else None)
        features = await self._next()
        if features.name != "features" or features.uri != NS_STREAM:
            raise _unexpected(features, "its features")
        return features

    async def _next(self) -> Element:
        return await self._stream.next(self._seconds)

    async def _secure(self, verifier: Verifier) -> None:
        offered = await self._open(secure=False)
        if offered.child("starttls", NS_TLS) is None:
            raise Fault(
                "tls.missing",
                f"The server of {self._domain} doesn't offer encryption, or someone in between "
                "has removed the offer; the password isn't sent in clear. If the server has a "
                "port for direct TLS, use that.",
            )
        self._stream.send(Element((NS_TLS, "starttls")))
        answer = await self._next()
        if answer.uri != NS_TLS or answer.name != "proceed":
            raise Fault("tls.refused", f"The server of {self._domain} can't encrypt just now.")
        self._stream.start_tls(verifier)

    async def _authenticate(self, offered: Element) -> str:
        account = self._account
        listed = offered.child("mechanisms", NS_SASL)
        mechanisms = (
            {child.text.strip() for child in listed.elements()} if listed is not None else set()
        )
        name = sasl.choose(mechanisms, account.allow_plain)
        if name is None:
            shown = ", ".join(sorted(mechanisms))[:200] or "none"
            hint = (
                " Allow PLAIN for the account to send the password itself, encrypted."
                if "PLAIN" in mechanisms
                else ""
            )
            raise Fault(
                "denied.mechanism",
                f"The server offers no way to log in that is safe enough (it has: {shown}).{hint}",
                final=True,
            )
        nonce = b64encode(self._random.randbytes(24)).decode()
        try:
            attempt = sasl.mechanism(name, account.jid.user or "", account.password, nonce)
            await self._exchange(attempt)
        except sasl.SaslError as error:
            raise Fault(error.name, str(error), final=True) from None
        except ValueError as error:
            raise Fault("denied.password", str(error), final=True) from None
        return name

    async def _exchange(self, attempt: sasl.Mechanism) -> None:
        self._send_sasl("auth", attempt.start(), mechanism=attempt.name)
        for _ in range(_MAX_TURNS):
            answer = await self._next()
            if answer.uri != NS_SASL or answer.name not in ("challenge", "success", "failure"):
                raise _unexpected(answer, "an answer to the login")
            if answer.name == "failure":
                raise self._denied(answer)
            data = _decode(answer.text)
            if answer.name == "success":
                attempt.finish(data)
                return
            try:
                response = attempt.respond(data or b"")
            except sasl.SaslError:
                self._stream.send(Element((NS_SASL, "abort")))
                raise
            self._send_sasl("response", response)
        raise Fault("denied.server", "The server never ends the login.", final=True)

    def _send_sasl(self, name: str, data: bytes, **attributes: str) -> None:
        element = Element((NS_SASL, name), attributes)
        if data:
            element.children.append(b64encode(data).decode())
        self._stream.send(element)

    def _denied(self, failure: Element) -> Fault:
        condition, said = "not-authorized", ""
        for child in failure.elements():
            if child.name == "text":
                said = f" The server says: {quoted(child.text)}"
            else:
                condition = child.name
        if condition == "not-authorized":
            return Fault(
                "denied.password",
                f"The server doesn't accept the password of {self._account.jid.userhost()}. Check "
                f"address and password.{said}",
                final=True,
            )
        return Fault(
            f"denied.{condition}",
            f"The server refused the login of {self._account.jid.userhost()} ({condition}).{said}",
            final=condition not in _PASSING,
        )

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
        return await self._past_stanzas("iq", id_)

    async def _resume(self, previous: Resumable) -> tuple[bool, int | None]:
        """Ask for an earlier session; tell whether it goes on, and the server's count of ours."""
        handled = str(previous.handled % WRAP)
        self._stream.send(Element((NS_SM, "resume"), {"previd": previous.id, "h": handled}))
        answer = await self._next()
        if answer.uri != NS_SM or answer.name not in ("resumed", "failed"):
            raise _unexpected(answer, "an answer about the last session")
        count = answer.get("h")
        if answer.name == "resumed":
            return True, count_of(count)
        return False, count_of(count) if count is not None else None

    async def _manage(self) -> Element | None:
        """Have stanzas acknowledged; return what the server says, None if it refuses."""
        self._stream.send(Element((NS_SM, "enable"), {"resume": "true"}))
        while True:
            answer = await self._past_stanzas()
            if answer.uri == NS_SM and answer.name in ("enabled", "failed"):
                return answer if answer.name == "enabled" else None

    async def _past_stanzas(self, name: str | None = None, id_: str | None = None) -> Element:
        """Return the answer waited for; a stanza that comes before it is kept for later."""
        while True:
            element = await self._next()
            if element.uri != NS_CLIENT:
                if name is None:
                    return element
                raise _unexpected(element, "an answer")
            if name == element.name and element.get("id") == id_:
                return element
            if len(self.early) >= 1000:
                raise Fault("stream.policy-violation", "The server talks without being asked.")
            self.early.append(element)


def _resumption(enabled: Element) -> Resumption | None:
    """Read how a session can be resumed (XEP-0198, section 3); None if it can't be."""
    id_ = enabled.get("id")
    if not id_ or len(id_) > _MAX_ID or enabled.get("resume") not in ("true", "1"):
        return None
    seconds = enabled.get("max") or ""
    known = seconds.isascii() and seconds.isdigit() and len(seconds) < 10
    return Resumption(id_, enabled.get("location"), int(seconds) if known else None)


def _decode(text: str) -> bytes | None:
    text = text.strip()
    if not text:
        return None
    try:
        return b"" if text == "=" else b64decode(text, validate=True)
    except ValueError:
        raise sasl.SaslError("denied.server", "The server's challenge is not base64.") from None


def _unexpected(element: Element, wanted: str) -> Fault:
    return Fault(
        "stream.unexpected", f"The server sent <{element.name[:40]}/> instead of {wanted}."
    )
