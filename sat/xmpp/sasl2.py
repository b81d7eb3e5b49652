"""The extensible profile of SASL (XEP-0388): login, token and session in one exchange.

With it go Bind 2 (XEP-0386), tokens (XEP-0484), upgrades of what the server keeps of the password
(XEP-0480), and stream management (XEP-0198, section 9).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from sat.xmpp import sasl
from sat.xmpp.authenticate import MAX_TURNS, Prover, Refused, refusal
from sat.xmpp.choice import Choice, token_allowed, token_binding, token_mechanism
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault
from sat.xmpp.jid import JID, parse_jid
from sat.xmpp.memory import Token
from sat.xmpp.namespaces import (
    NS_BIND2,
    NS_FAST,
    NS_SASL2,
    NS_SASL_UPGRADE,
    NS_SCRAM_UPGRADE,
    NS_SM,
)
from sat.xmpp.saslprep import saslprep
from sat.xmpp.steps import Steps, decode, unexpected

_SOFTWARE = "Salut à Toi"
_TAG = "sat"
_UPGRADE = "UPGR-"
#: A longer token isn't kept.
_MAX_TOKEN = 4096
_ANSWERS = frozenset({"challenge", "continue", "failure", "success"})


@dataclass(frozen=True, slots=True)
class Success:
    """How a login has ended.

    :param jid: the full address, if a session was bound with it
    :param management: the server's answers to stream management, inline (XEP-0198, section 9)
    """

    mechanism: str
    jid: JID | None
    management: tuple[Element, ...]

    def answer(self, *names: str) -> Element | None:
        """Return the first of those answers that has one of some names."""
        return next((one for one in self.management if one.name in names), None)


class Sasl2:
    """One login.

    :param listed: the server's ``<authentication/>``
    :param bind: whether to bind a session with it, where the server can
    :param resume: a ``<resume/>`` to send along, where the server can
    """

    def __init__(
        self,
        steps: Steps,
        prover: Prover,
        listed: Element,
        *,
        bind: bool,
        resume: Element | None = None,
    ) -> None:
        self._steps = steps
        self._prover = prover
        self._memory = prover.account.memory
        inline = listed.child("inline", NS_SASL2)
        self._bind = inline.child("bind", NS_BIND2) if inline is not None and bind else None
        can_resume = inline is not None and inline.child("sm", NS_SM) is not None
        self._resume = resume if can_resume else None
        self._upgrades = [
            child.text.strip() for child in listed.elements(NS_SASL_UPGRADE, "upgrade")
        ]
        self._proved = False
        self._token_refused = False
        #: Whether the login failed because the server gave no answer to a token.
        self.lost_in_token = False
        self._wanted: str | None = None  # the mechanism for which a token was asked for

    async def run(self) -> Success:
        """Log in: with a token if there is one, else or if it is refused with the password.

        :raises Fault: why it failed
        """
        try:
            return await self._with_token() or await self._in_turn()
        except sasl.SaslError as error:
            raise Fault(error.name, str(error), final=True) from None

    async def _with_token(self) -> Success | None:
        token, prover = self._memory.token, self._prover
        if token is None or not token.secret:
            return None
        data = token_binding(token.mechanism, prover.verifier.channel)
        if (
            token.mechanism not in prover.offer.tokens
            or data is None
            or not token_allowed(token.mechanism, self._memory.floor)
        ):
            return None
        user = prover.account.jid.user or ""
        attempt = sasl.Hashed(token.mechanism, user, token.secret, data)
        request = self._request(attempt)
        request.add("fast", NS_FAST)
        self._wanted = token.mechanism
        try:
            return await self._exchange(attempt, request, [])
        except Refused:
            self._memory.set_token(None)
            self._token_refused = True
            return None
        except Fault as fault:
            if fault.reason == "timeout.login":
                # The server has lost itself in the token: not to be asked for the same again.
                self._memory.set_token(Token(token.mechanism, ""))
                self.lost_in_token = True
            raise

    async def _in_turn(self) -> Success:
        tried = self._prover.choose()
        for left, choice in zip(reversed(range(len(tried))), tried, strict=True):
            attempt = self._prover.attempt(choice)
            request = self._request(attempt)
            tasks = self._tasks(choice)
            for task in tasks:
                request.add("upgrade", NS_SASL_UPGRADE, task)
            self._wanted = None
            if self._memory.agent:
                known = self._memory.token
                self._wanted = token_mechanism(
                    self._prover.offer,
                    self._prover.verifier.channel,
                    choice.strength,
                    known.mechanism if known is not None and not known.secret else None,
                )
            if self._wanted is not None:
                request.add("request-token", NS_FAST, mechanism=self._wanted)
            try:
                done = await self._exchange(attempt, request, tasks)
            except Refused as refused:
                if not left:
                    # Some servers take nothing but a token once one was tried on a stream.
                    refused.final = refused.final and not self._token_refused
                    raise
            else:
                self._memory.logged_in(choice.strength)
                return done
        raise AssertionError("the last try either returns or raises")

    def _tasks(self, choice: Choice) -> list[str]:
        """Choose upgrades: only where the server proves that it knows the password already."""
        if choice.strength.mechanism not in sasl.HASHES:
            return []
        return [f"{_UPGRADE}{name}" for name in sasl.HASHES if _UPGRADE + name in self._upgrades]

    def _request(self, attempt: sasl.Mechanism) -> Element:
        request = Element((NS_SASL2, "authenticate"), {"mechanism": attempt.name})
        request.add("initial-response", text=b64encode(attempt.start()).decode())
        if self._memory.agent:
            agent = request.add("user-agent", id=self._memory.agent)
            agent.add("software", text=_SOFTWARE)
        if self._resume is not None:
            request.children.append(self._resume)
        if self._bind is not None:
            bind = request.add("bind", NS_BIND2)
            bind.add("tag", text=_TAG)
            inline = self._bind.child("inline", NS_BIND2)
            if inline is not None and any(f.get("var") == NS_SM for f in inline.elements()):
                bind.add("enable", NS_SM, resume="true")
        return request

    async def _exchange(
        self, attempt: sasl.Mechanism, request: Element, tasks: list[str]
    ) -> Success:
        self._proved = False
        self._steps.send(request)
        for _ in range(MAX_TURNS + 3 * len(tasks)):
            answer = await self._steps.next()
            if answer.uri != NS_SASL2 or answer.name not in _ANSWERS:
                raise unexpected(answer, "an answer to the login")
            if answer.name == "failure":
                raise refusal(answer, self._prover.account, attempt.name)
            if answer.name == "challenge":
                await self._respond(attempt, answer)
                continue
            self._finish(attempt, answer)
            if answer.name == "success":
                return self._succeeded(attempt, answer)
            await self._upgrade(answer, tasks)
        raise Fault("denied.server", "The server never ends the login.", final=True)

    async def _respond(self, attempt: sasl.Mechanism, challenge: Element) -> None:
        try:
            data = attempt.respond(decode(challenge.text) or b"")
        except sasl.SaslError:
            self._steps.send(Element((NS_SASL2, "abort")))
            raise
        response = Element((NS_SASL2, "response"))
        if data:
            response.children.append(b64encode(data).decode())
        self._steps.send(response)

    def _finish(self, attempt: sasl.Mechanism, answer: Element) -> None:
        """Check the server's proof: it comes with the first answer that isn't a challenge."""
        if self._proved:
            return
        data = answer.child("additional-data", NS_SASL2)
        try:
            attempt.finish(decode(data.text) if data is not None else None)
        except sasl.SaslError:
            self._steps.send(Element((NS_SASL2, "abort")))
            raise
        self._proved = True

    def _succeeded(self, attempt: sasl.Mechanism, success: Element) -> Success:
        # Both names are in use: the first is the XEP's text, the second its examples.
        named = success.child("authorization-identifier", NS_SASL2) or success.child(
            "authorization-identity", NS_SASL2
        )
        bound = success.child("bound", NS_BIND2)
        jid = None
        if bound is not None:
            try:
                jid = parse_jid(named.text.strip() if named is not None else "")
            except ValueError as error:
                raise Fault("stream.bind", f"The server gave no address: {error}") from None
            if not jid.resource:
                raise Fault("stream.bind", "The server bound a session but told no resource.")
        self._take_token(success.child("token", NS_FAST))
        management = [*success.elements(NS_SM)]
        if bound is not None:
            management += bound.elements(NS_SM)
        return Success(attempt.name, jid, tuple(management))

    def _take_token(self, element: Element | None) -> None:
        secret = (element.get("token") or "") if element is not None else ""
        if secret and self._wanted is not None and len(secret) <= _MAX_TOKEN:
            self._memory.set_token(Token(self._wanted, secret))

    async def _upgrade(self, more: Element, tasks: list[str]) -> None:
        """Give the server what it needs to know the password by another hash (XEP-0480)."""
        listed = more.child("tasks", NS_SASL2)
        wanted = (
            [task.text.strip() for task in listed.elements(NS_SASL2, "task")]
            if listed is not None
            else []
        )
        task = next((one for one in wanted if one in tasks), None)
        if task is None:
            shown = ", ".join(wanted)[:200] or "something unnamed"
            raise Fault(
                "denied.task",
                f"The server wants more than the password ({shown}), which this program can't "
                "give. Its administrator may let the account log in without.",
                final=True,
            )
        self._steps.send(Element((NS_SASL2, "next"), {"task": task}))
        answer = await self._steps.next()
        salt = answer.child("salt", NS_SCRAM_UPGRADE)
        if answer.uri != NS_SASL2 or answer.name != "task-data" or salt is None:
            raise unexpected(answer, "what the upgrade of the password needs")
        hash_ = sasl.HASHES[task.removeprefix(_UPGRADE)]
        password = saslprep(self._prover.account.password).encode()
        salted = sasl.salt_password(
            hash_, password, salt.text.strip(), salt.get("iterations") or ""
        )
        data = Element((NS_SASL2, "task-data"))
        data.add("hash", NS_SCRAM_UPGRADE, b64encode(salted).decode())
        self._steps.send(data)
