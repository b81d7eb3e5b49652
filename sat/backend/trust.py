"""Whom a profile trusts, how it proves itself, and the questions that decide on both."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import insert, select, update
from sqlalchemy.sql.expression import bindparam
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.passwords import Kind
from sat.backend.schema import Prepared
from sat.backend.server import split_server
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.bridge.errors import CommandError
from sat.bridge.model import Field, Form, Phase, Profile
from sat.bridge.secret import SecretText
from sat.xmpp.choice import Floor
from sat.xmpp.connection import Account, ConnectionState
from sat.xmpp.memory import Downgrade, Memory, Token, Untrusted
from sat.xmpp.socks import Proxy
from sat.xmpp.stanza import parse_jid
from sat.xmpp.tls import read_pin

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: The kinds of questions.
CERTIFICATE, DOWNGRADE = "certificate", "downgrade"

_log = Logger("sat.trust")
_table = schema.login
_FIND = Prepared(
    select(_table.c.agent, _table.c.floor).where(_table.c.profile_id == bindparam("profile_id"))
)
_ADD = Prepared(insert(_table))
_SET_FLOOR = Prepared(
    update(_table)
    .where(_table.c.profile_id == bindparam("id"))
    .values(floor=bindparam("new_floor"))
)


class Trust:
    """What one profile connects with, and the answers that change it."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._memory: Memory | None = None
        self._refused: set[str] = set()  # certificates that the person doesn't trust
        self._asking = False
        #: Through which the present connection goes, and what belongs to it.
        self.proxy: Proxy | None = None
        # A change of the password was cut short: the new one counts where the old doesn't.
        self._next: SecretText | None = None
        self._trying_next = False
        live.questions.handle(CERTIFICATE, self._certificate_answered, offline=True)
        live.questions.handle(DOWNGRADE, self._downgrade_answered, offline=True)

    async def account(self) -> Account:
        """Return what the wire needs to connect.

        :raises CommandError: ``denied.password`` if neither password nor certificate is known
        """
        live = self._live
        profile = live.profile
        kept = await live.core.passwords.all(live.name)
        if Kind.PASSWORD not in kept and Kind.CERTIFICATE not in kept:
            raise CommandError(
                "denied.password",
                f"the password of {live.name} is not known (a restored backup has none): set it "
                f"with: jp profile set {live.name} --password-stdin",
            )
        if self._memory is None:
            self._memory = await self._recall(kept.get(Kind.TOKEN))
        memory = self._memory
        self._next = kept.get(Kind.NEXT)
        self._trying_next = self._trying_next and self._next is not None
        if self._trying_next and self._next is not None:
            kept[Kind.PASSWORD] = self._next
        account = make_account(profile, live.ca, kept, memory)
        self.proxy = account.proxy
        return account

    def begin_anew(self) -> None:
        """Ask again what was answered with no: the person wants to connect."""
        self._refused.clear()
        if self._memory is not None:
            self._memory.sasl2_failures = 0

    async def forget_floor(self) -> None:
        """Let the next login be as weak as it may: the person has changed how to log in."""
        if self._memory is not None:
            self._memory.floor = None
        await self._store_floor(None)

    def state_changed(self, state: ConnectionState) -> None:
        """Ask what has to be decided before the connection can go on."""
        about = state.about
        if isinstance(about, Untrusted) and about.sha256 not in self._refused:
            spawn(self._ask_certificate(about, state.sentence), "asking about a certificate")
        elif isinstance(about, Downgrade):
            spawn(self._ask_downgrade(about), "asking about a downgrade")
        elif state.phase is Phase.ONLINE and self._asking:
            self._asking = False
            spawn(self._withdraw(), "withdrawing questions")
        if self._next is not None and (
            state.phase is Phase.ONLINE or state.reason == "denied.password"
        ):
            spawn(self._decide_next(state.phase is Phase.ONLINE), "settling a new password")

    async def password_changed(self, password: SecretText) -> None:
        """Keep a new password, which the server has taken."""
        passwords = self._live.core.passwords
        await passwords.set(self._live.name, password)
        await passwords.delete(self._live.name, (Kind.NEXT,))
        self._live.use_password(password.reveal())

    async def _decide_next(self, accepted: bool) -> None:
        """Settle which of two passwords is right, now that a login by one of them has ended."""
        found, trying = self._next, self._trying_next
        if not accepted and not trying:
            self._trying_next = True
            # The connection is just telling that it failed: let it come to its end.
            await deferLater(cast(Any, self._live.core.reactor), 0.0)
            await self._live.reconnect()
            return
        self._next, self._trying_next = None, False
        if accepted and trying and found is not None:
            await self.password_changed(found)
        else:
            await self._live.core.passwords.delete(self._live.name, (Kind.NEXT,))

    # ---- memory

    async def _recall(self, token: SecretText | None) -> Memory:
        live = self._live
        row = await live.core.store.read(lambda reader: reader.first(_FIND, profile_id=live.id))
        if row is None:
            agent = str(uuid.UUID(int=live.core.random.getrandbits(128), version=4))
            row = (agent, None)
            await live.core.journal.commit(
                lambda tx: tx.run(_ADD, profile_id=live.id, agent=agent, floor=None), wait=True
            )
        agent, floor = row
        # Questions of an earlier run may be open.
        self._asking = True
        return Memory(
            agent,
            Floor.parse(floor) if floor else None,
            _read_token(token),
            keep_floor=lambda new: spawn(self._store_floor(new), "keeping a login's strength"),
            keep_token=lambda new: spawn(self._store_token(new), "keeping a token"),
        )

    async def _store_floor(self, floor: Floor | None) -> None:
        text = str(floor) if floor is not None else None
        await self._live.core.journal.commit(
            lambda tx: tx.run(_SET_FLOOR, id=self._live.id, new_floor=text), wait=True
        )

    async def _store_token(self, token: Token | None) -> None:
        text = SecretText(f"{token.mechanism} {token.secret}") if token is not None else None
        try:
            await self._live.core.passwords.set(self._live.name, text, Kind.TOKEN)
        except OSError as error:  # the next login takes the password
            _log.warn("{name}: a token isn't kept: {error}", name=self._live.name, error=error)

    # ---- questions

    async def _ask_certificate(self, about: Untrusted, why: str) -> None:
        why = why.partition(" The next try")[0]
        form = Form(
            title="Certificate",
            instructions="\n".join(
                (
                    f"Host: {about.domain}",
                    f"Names: {', '.join(about.names) or 'none'}",
                    f"Issuer: {about.issuer}",
                    f"Valid: {about.not_before:%Y-%m-%d} to {about.not_after:%Y-%m-%d}",
                    f"SHA-256: {_grouped(about.sha256)}",
                )
            ),
            fields=(
                Field(name="sha256", kind="hidden", value=(about.sha256,)),
                Field(
                    name="trust",
                    kind="list-single",
                    label=f"Trust this certificate, and no other, for {self._live.name}?",
                    options=("yes", "no"),
                    required=True,
                ),
            ),
        )
        await self._ask(CERTIFICATE, about.domain, why, form)

    async def _ask_downgrade(self, about: Downgrade) -> None:
        sentence = (
            f"The server of {self._live.jid.host} offers {about.offered} at best to log in, where "
            f"{about.floor} was used before. That may be a change of the server, or an attack."
        )
        form = Form(
            title="Weaker login",
            instructions="The server's administrator can tell whether it was changed.",
            fields=(
                Field(name="offered", kind="hidden", value=(str(about.offered),)),
                Field(
                    name="accept",
                    kind="list-single",
                    label=f"Log in by {about.offered} from now on?",
                    options=("yes", "no"),
                    required=True,
                ),
            ),
        )
        await self._ask(DOWNGRADE, self._live.jid.host, sentence, form)

    async def _ask(self, kind: str, peer: str, sentence: str, form: Form) -> None:
        self._asking = True
        questions = self._live.questions

        def ask(tx: Transaction) -> None:
            questions.replace(tx, kind, peer, sentence, form)

        await self._live.core.journal.commit(ask, wait=True)

    async def _withdraw(self) -> None:
        def withdraw(tx: Transaction) -> None:
            for kind in (CERTIFICATE, DOWNGRADE):
                self._live.questions.withdraw(tx, kind, self._live.jid.host)

        await self._live.core.journal.commit(withdraw, wait=True)

    async def _certificate_answered(self, _: str | None, values: dict[str, list[str]]) -> None:
        digits = values["sha256"][0]
        if values.get("trust") != ["yes"]:
            self._refused.add(digits)
            return
        await self._live.change(wait=False, pin=f"sha256:{digits}")
        await self._live.reconnect()

    async def _downgrade_answered(self, _: str | None, values: dict[str, list[str]]) -> None:
        offered = Floor.parse(values["offered"][0])
        if values.get("accept") != ["yes"] or offered is None:
            return
        if self._memory is not None:
            self._memory.floor = offered
        await self._store_floor(offered)
        await self._live.reconnect()


def make_account(
    profile: Profile, ca: str | None, kept: Mapping[Kind, SecretText], memory: Memory
) -> Account:
    """Put together what the wire needs to connect a profile.

    :param ca: its private certificate authority as PEM text
    :param kept: its secrets
    """
    host, port = split_server(profile.server)
    url = kept[Kind.PROXY].reveal() if Kind.PROXY in kept else profile.proxy
    return Account(
        jid=parse_jid(profile.jid),
        password=kept[Kind.PASSWORD].reveal() if Kind.PASSWORD in kept else "",
        host=host,
        port=port,
        direct_tls=profile.direct_tls,
        ca=ca,
        allow_plain=profile.allow_plain,
        resource=profile.resource,
        pin=read_pin(profile.pin) if profile.pin else None,
        certificate=kept[Kind.CERTIFICATE].reveal() if Kind.CERTIFICATE in kept else None,
        proxy=Proxy.parse(url) if url else None,
        memory=memory,
    )


def _read_token(kept: SecretText | None) -> Token | None:
    if kept is None:
        return None
    mechanism, _, secret = kept.reveal().partition(" ")
    return Token(mechanism, secret) if mechanism else None


def _grouped(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()
