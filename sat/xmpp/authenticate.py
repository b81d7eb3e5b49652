"""Proving who the account's owner is: which mechanisms are tried, and what a refusal means."""

from __future__ import annotations

from base64 import b64encode
from random import Random

from sat.xmpp import sasl, tls
from sat.xmpp.account import Account
from sat.xmpp.choice import Choice, Floor, Offer, choices
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, quoted
from sat.xmpp.memory import Downgrade
from sat.xmpp.namespaces import NS_SASL, NS_SASL2
from sat.xmpp.steps import Steps, decode, unexpected
from sat.xmpp.tls import Verifier

#: A login that takes more turns than this goes nowhere.
MAX_TURNS = 10

#: Failures of authentication that may pass by themselves (RFC 6120, section 6.5).
_PASSING = frozenset({"temporary-auth-failure"})


class Refused(Fault):
    """The server has refused a login, and the stream is as it was."""


class Prover:
    """Chooses mechanisms for an account, and prepares attempts with them.

    :param random: for nonces; it must be one that can't be foreseen
    """

    def __init__(self, account: Account, verifier: Verifier, offer: Offer, random: Random) -> None:
        self.account = account
        self.verifier = verifier
        self.offer = offer
        self._random = random

    def choose(self) -> list[Choice]:
        """Return what is to be tried, in turn.

        :raises Fault: ``denied.mechanism`` if there is nothing, ``denied.downgrade`` if all that
            there is, is weaker than an earlier login
        """
        account, floor = self.account, self.account.memory.floor
        possible = choices(
            self.offer,
            self.verifier.channel,
            password=bool(account.password),
            certificate=account.certificate is not None,
            plain=account.allow_plain,
        )
        if not possible:
            raise self._nothing()
        allowed = [one for one in possible if floor is None or floor.met_by(one.strength)]
        if floor is not None and not allowed:
            raise _downgrade(account, floor, possible[0].strength)
        # After what is only assumed of the server comes what it says for certain.
        tried = []
        for one in allowed:
            tried.append(one)
            if one.certain:
                break
        return tried

    def attempt(self, choice: Choice) -> sasl.Mechanism:
        """Return an attempt by a mechanism.

        :raises Fault: ``denied.password`` if the password can't be one
        """
        account = self.account
        user = account.jid.user or ""
        if choice.name == "PLAIN":
            return sasl.Plain(user, account.password)
        if choice.name == "EXTERNAL":
            own = account.jid.userhost()
            sole = tls.identities(account.certificate or "") == [own]
            return sasl.External("" if sole else own)
        nonce = b64encode(self._random.randbytes(24)).decode()
        try:
            return sasl.Scram(
                choice.name, user, account.password, nonce, choice.binding, self.offer.text()
            )
        except ValueError as error:
            raise Fault("denied.password", str(error), final=True) from None

    def _nothing(self) -> Fault:
        shown = ", ".join(sorted(self.offer.mechanisms))[:200] or "none"
        hint = ""
        if "PLAIN" in self.offer.mechanisms and self.account.password:
            hint = " Allow PLAIN for the account to send the password itself, encrypted."
        elif not self.account.password:
            hint = " The account has a certificate alone; give it its password too."
        return Fault(
            "denied.mechanism",
            f"The server offers no way to log in that is safe enough (it has: {shown}).{hint}",
            final=True,
        )


async def log_in(steps: Steps, prover: Prover) -> Choice:
    """Log in by the profile of SASL that each server has (RFC 6120, section 6); return how.

    :raises Fault: why it failed
    """
    tried = prover.choose()
    for left, choice in zip(reversed(range(len(tried))), tried, strict=True):
        attempt = prover.attempt(choice)
        try:
            await _exchange(steps, attempt, prover.account)
        except Refused:
            if not left:
                raise
        except sasl.SaslError as error:
            raise Fault(error.name, str(error), final=True) from None
        else:
            prover.account.memory.logged_in(choice.strength)
            return choice
    raise AssertionError("the last try either returns or raises")


async def _exchange(steps: Steps, attempt: sasl.Mechanism, account: Account) -> None:
    _send(steps, "auth", attempt.start() or b"=", mechanism=attempt.name)
    for _ in range(MAX_TURNS):
        answer = await steps.next()
        if answer.uri != NS_SASL or answer.name not in ("challenge", "success", "failure"):
            raise unexpected(answer, "an answer to the login")
        if answer.name == "failure":
            raise refusal(answer, account, attempt.name)
        data = decode(answer.text)
        if answer.name == "success":
            attempt.finish(data)
            return
        try:
            response = attempt.respond(data or b"")
        except sasl.SaslError:
            steps.send(Element((NS_SASL, "abort")))
            raise
        _send(steps, "response", response)
    raise Fault("denied.server", "The server never ends the login.", final=True)


def _send(steps: Steps, name: str, data: bytes, **attributes: str) -> None:
    element = Element((NS_SASL, name), attributes)
    if data:
        element.children.append("=" if data == b"=" else b64encode(data).decode())
    steps.send(element)


def refusal(failure: Element, account: Account, mechanism: str) -> Refused:
    """Return what a ``<failure/>`` means (RFC 6120, section 6.5)."""
    condition, said = "not-authorized", ""
    for child in failure.elements():
        if child.name == "text":
            said = f" The server says: {quoted(child.text)}"
        elif child.uri in (NS_SASL, NS_SASL2):  # some servers forget the namespace
            condition = child.name
    who = account.jid.userhost()
    if mechanism == "EXTERNAL":
        return Refused(
            "denied.certificate",
            f"The server doesn't accept the certificate of {who} ({condition}).{said}",
            final=condition not in _PASSING,
        )
    if condition == "not-authorized":
        return Refused(
            "denied.password",
            f"The server doesn't accept the password of {who}. Check address and password.{said}",
            final=True,
        )
    return Refused(
        f"denied.{condition}",
        f"The server refused the login of {who} ({condition}).{said}",
        final=condition not in _PASSING,
    )


def _downgrade(account: Account, floor: Floor, offered: Floor) -> Fault:
    return Fault(
        "denied.downgrade",
        f"The server of {account.jid.host} offers {offered} at best, where {floor} was used "
        "before: it has been changed, or somebody in between wants the weaker one. Nothing was "
        "sent. Answer the question whether to accept that, or try another network.",
        final=True,
        about=Downgrade(floor, offered),
    )
