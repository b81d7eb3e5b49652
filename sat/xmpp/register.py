"""Accounts made and changed from within XMPP (XEP-0077)."""

from __future__ import annotations

import dataclasses
from random import Random

from sat.bridge.model import Field, Form
from sat.xmpp.account import Account, Features, Resumable
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, StanzaError, quoted
from sat.xmpp.forms import read_form, submission
from sat.xmpp.jid import parse_jid
from sat.xmpp.login import secure
from sat.xmpp.namespaces import NS_CLIENT, NS_FORM, NS_OOB, NS_REGISTER
from sat.xmpp.steps import Steps
from sat.xmpp.stream import Stream
from sat.xmpp.tls import Verifier

#: Children of a form of the older kind that are no fields.
_NO_FIELDS = frozenset({"instructions", "key", "registered", "remove", "x"})
_KEPT = 600


class Registration:
    """Makes an account over one stream, as :class:`sat.xmpp.login.Login` logs one in.

    :param account: the one to make, with the password that it is to have
    :param fields: what else the server may want to know, by the names of its form's fields
    """

    def __init__(
        self,
        stream: Stream,
        account: Account,
        random: Random,
        seconds: float,
        first_seconds: float,
        fields: dict[str, str],
    ) -> None:
        self._account = account
        self._random = random
        self._seconds = seconds
        self._fields = fields
        self._steps = Steps(stream, account.jid.host, first_seconds)
        #: Whether what goes wrong now would go wrong at another server of the domain as well.
        self.authenticating = False

    @property
    def early(self) -> list[Element]:
        """Stanzas that came meanwhile."""
        return self._steps.early

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """Make the account.

        :raises Fault: why it failed: ``denied.register`` if the server doesn't make accounts so,
            ``denied.exists`` if the name is taken, ``usage.form`` (about a :class:`Form`) if it
            wants to know more, ``timeout.register`` if it isn't known whether it was made
        """
        # The account has no address yet that a stream could come from.
        nobody = dataclasses.replace(self._account, jid=parse_jid(self._account.jid.host))
        await secure(self._steps, verifier, nobody)
        self.authenticating = True
        self._steps.seconds = self._seconds
        try:
            query = await self._ask("get", Element((NS_REGISTER, "query")))
            await self._submit(self._filled(query))
        except StanzaError as error:
            raise self._refused(error) from None
        self._steps.stream.close()
        return Features(self._account.jid, frozenset(), False, "")

    async def _submit(self, query: Element) -> None:
        try:
            await self._ask("set", query)
        except Fault as fault:
            raise Fault(
                "timeout.register",
                f"Whether {self._account.jid.userhost()} was made isn't known: {fault.sentence} "
                "Try to log in with it before you make another one.",
                final=True,
            ) from None

    async def _ask(self, type_: str, query: Element) -> Element:
        id_ = f"register-{self._random.getrandbits(32):08x}"
        iq = Element((NS_CLIENT, "iq"), {"type": type_, "id": id_, "to": self._account.jid.host})
        iq.children.append(query)
        self._steps.send(iq)
        answer = await self._steps.past_stanzas("iq", id_)
        if answer.get("type") != "result":
            raise StanzaError.from_element(answer)
        return answer.child("query", NS_REGISTER) or Element((NS_REGISTER, "query"))

    def _filled(self, query: Element) -> Element:
        account = self._account
        x = query.child("x", NS_FORM)
        form = read_form(x) if x is not None else _older_form(query)
        names = {field.name for field in form.fields}
        if not names & {"username", "password"}:
            raise self._elsewhere(query)
        values = {"username": account.jid.user or "", "password": account.password}
        values |= self._fields
        unknown = sorted(self._fields.keys() - names)
        missing = [
            field.name
            for field in form.fields
            if field.name not in values and not field.value and (field.required or x is None)
        ]
        if unknown or missing:
            raise _incomplete(form, unknown, missing)
        given = {name: [value] for name, value in values.items() if name in names}
        answer = Element((NS_REGISTER, "query"))
        if x is not None:
            answer.children.append(submission(form, given))
            return answer
        for name, texts in given.items():
            answer.add(name, text=texts[0])
        key = query.child("key", NS_REGISTER)
        if key is not None:
            answer.add("key", text=key.text)
        return answer

    def _elsewhere(self, query: Element) -> Fault:
        oob = query.child("x", NS_OOB)
        url = oob.child("url", NS_OOB) if oob is not None else None
        if url is not None and url.text.strip().startswith(("https://", "http://")):
            told = f"The server makes accounts on the web: {quoted(url.text.strip()).rstrip('.')}"
        else:
            told = "The server doesn't tell what it needs to make an account; see its web site"
        said = " ".join(child.text for child in query.elements(NS_REGISTER, "instructions"))
        hint = f" It says: {quoted(said)}" if said.strip() else ""
        return Fault("denied.register", f"{told}.{hint}", final=True)

    def _refused(self, error: StanzaError) -> Fault:
        who = self._account.jid.userhost()
        said = f" It says: {quoted(error.text)}" if error.text else ""
        if error.condition == "conflict":
            return Fault(
                "denied.exists",
                f"There is an account {who} already: take another name, or log in with it.{said}",
                final=True,
            )
        if error.type == "wait":
            return Fault(
                "denied.register",
                f"The server of {who} makes no account just now ({error.condition}): try again "
                f"later.{said}",
                final=True,
            )
        return Fault(
            "denied.register",
            f"The server didn't make the account {who} ({error.condition}). It may make accounts "
            f"on its web site alone.{said}",
            final=True,
        )


def new_password(user: str, password: str) -> Element:
    """Return the payload of a request that changes the password (section 3.3)."""
    query = Element((NS_REGISTER, "query"))
    query.add("username", text=user)
    query.add("password", text=str.__str__(password))
    return query


def _older_form(query: Element) -> Form:
    names = [child.name for child in query.elements(NS_REGISTER) if child.name not in _NO_FIELDS]
    said = [child.text for child in query.elements(NS_REGISTER, "instructions")]
    return Form(
        instructions="\n".join(said)[:_KEPT],
        fields=tuple(
            Field(
                name=name,
                kind="text-private" if name == "password" else "text-single",
                required=True,
            )
            for name in names
        ),
    )


def _incomplete(form: Form, unknown: list[str], missing: list[str]) -> Fault:
    told = []
    if missing:
        told.append(f"The server wants to know more to make the account: {', '.join(missing)}.")
    if unknown:
        known = ", ".join(field.name for field in form.fields if field.name)
        told.append(f"Its form has no {', '.join(unknown)}, but: {known}.")
    if form.instructions.strip():
        told.append(f"It says: {quoted(form.instructions)}")
    return Fault("usage.form", " ".join(told), final=True, about=form)
