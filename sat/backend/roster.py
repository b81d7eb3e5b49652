"""The roster (RFC 6121, section 2): who the contacts are, as the server says; ``roster.*``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.arrival import Arrival
from sat.backend.presence import SUBSCRIPTION
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import RosterChanged, RosterRemoved
from sat.bridge.model import Contact, Level, Removed
from sat.xmpp.namespaces import NS_ROSTER_VERSIONING
from sat.xmpp.roster import (
    RosterItem,
    authorised,
    get_roster,
    read_roster,
    remove_item,
    set_item,
)
from sat.xmpp.stanza import JID, NS_ROSTER, Element, Iq, NotConnected, Presence, StanzaError

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile
    from sat.xmpp.connection import Features

_log = Logger("sat.roster")
_table = schema.contact
_columns = (
    _table.c.jid,
    _table.c.name,
    _table.c.groups,
    _table.c.subscription,
    _table.c.ask,
    _table.c.rev,
)
_ALL = Prepared(
    select(*_columns).where(_table.c.profile_id == bindparam("profile_id")).order_by(_table.c.jid)
)
_ONE = Prepared(
    select(*_columns).where(
        _table.c.profile_id == bindparam("profile_id"), _table.c.jid == bindparam("jid")
    )
)
_setting = upsert(_table)
_SET = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["profile_id", "jid"],
        set_={
            column: getattr(_setting.excluded, column)
            for column in ("name", "groups", "subscription", "ask", "rev")
        },
    )
)
_DROP = Prepared(
    delete(_table).where(
        _table.c.profile_id == bindparam("profile_id"), _table.c.jid == bindparam("jid")
    )
)
_COUNT = Prepared("SELECT count(*) FROM contact WHERE profile_id = :profile_id")
_VERSION = Prepared("SELECT version, contacts FROM roster WHERE profile_id = :profile_id")
_SET_VERSION = Prepared(
    "INSERT OR REPLACE INTO roster (profile_id, version, contacts)"
    " VALUES (:profile_id, :version, :contacts)"
)
_DROP_VERSION = Prepared("DELETE FROM roster WHERE profile_id = :profile_id")
#: A longer version is not kept: the whole roster comes the next time.
_MAX_VERSION = 1024


#: The subscriptions of those who see our presence.
_SEEING = ("from", "both")
_SHARING = ("to", "from", "both")


class Roster:
    """The contacts of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._contacts: dict[str, Contact] = {
            contact.jid: contact
            for contact in live.core.store.read_now(
                lambda reader: contacts(reader, live.id, live.name)
            )
        }

    def sees_us(self, jid: JID) -> bool:
        """Tell whether someone may see our presence: a contact, or another client of ours."""
        if jid.userhost() == self._live.jid.userhost():
            return True
        contact = self._contacts.get(jid.userhost())
        return contact is not None and contact.subscription in _SEEING

    def may_see(self, tx: Transaction, jid: JID) -> bool:
        """Tell the same of a contact, by what is committed so far."""
        row = tx.first(_ONE, profile_id=self._live.id, jid=jid.userhost())
        return row is not None and row[3] in _SEEING

    def lists(self, bare: str) -> bool:
        """Tell whether a bare JID is in the roster."""
        return bare in self._contacts

    def spelling(self, bare: str) -> str:
        """Return a bare JID as the roster holds it, so that it is in memory once."""
        contact = self._contacts.get(bare)
        return contact.jid if contact is not None else bare

    def we_asked(self, jid: JID) -> bool:
        """Tell whether we see someone's presence, or asked to: who asks is content to be seen."""
        contact = self._contacts.get(jid.userhost())
        return contact is not None and (contact.ask or contact.subscription in ("to", "both"))

    def shares_presence(self, jid: JID) -> bool:
        """Tell whether presence goes between someone and us, either way, or we asked for theirs."""
        contact = self._contacts.get(jid.userhost())
        return contact is not None and (contact.ask or contact.subscription in _SHARING)

    # ---- from the server

    async def fetch(self, features: Features | None) -> None:
        """Ask the server for the roster, and take over what has changed.

        Where it knows versions, it sends nothing if ours is the present one, or what changed since
        as pushes (RFC 6121, section 2.6).
        """
        version = None
        if features is not None and any(ns == NS_ROSTER_VERSIONING for ns, _ in features.names):
            version = await self._live.core.store.read(self._known_version)
        try:
            # The answer itself, which may be large, is not held while its contacts are stored.
            told = read_roster(await self._live.request_element(get_roster(version), 60.0))
        except (StanzaError, TimeoutError, NotConnected) as error:
            _log.warn(
                "the roster of {name} can't be had: {error}", name=self._live.name, error=error
            )
            return
        if told is None:
            return

        def take_over(tx: Transaction) -> None:
            known = {row[0]: row for row in tx.all(_ALL, profile_id=self._live.id)}
            for item in told.items:
                self._take(tx, item, known.pop(item.jid.userhost(), None))
            for gone in known:
                self._drop(tx, gone)
            self._keep_version(tx, told.version)

        await self._commit(take_over)

    def _known_version(self, reader: Reader) -> str:
        """Return the version of the contacts in the database; "" if they don't fit together."""
        row = reader.first(_VERSION, profile_id=self._live.id)
        count = reader.first(_COUNT, profile_id=self._live.id)
        return row[0] if row is not None and count is not None and row[1] == count[0] else ""

    def _keep_version(self, tx: Transaction, version: str | None) -> None:
        if version is None or len(version) > _MAX_VERSION:
            tx.run(_DROP_VERSION, profile_id=self._live.id)
            return
        count = tx.first(_COUNT, profile_id=self._live.id)
        assert count is not None
        tx.run(_SET_VERSION, profile_id=self._live.id, version=version, contacts=count[0])

    def takes(self, iq: Iq) -> bool:
        """Tell whether a request is a roster push."""
        payload = iq.payload
        return iq.type == "set" and payload is not None and payload.uri == NS_ROSTER

    async def pushed(self, iq: Iq, element: Element, arrival: Arrival) -> None:
        """Take over a push (RFC 6121, section 2.1.6); from anyone but our server it is refused."""
        allowed = authorised(element, self._live.jid)
        told = read_roster(element) if allowed else None

        def take_over(tx: Transaction) -> None:
            self._live.note_handled(tx, arrival)
            for item in told.items[:1] if told is not None else ():
                bare = item.jid.userhost()
                known = tx.first(_ONE, profile_id=self._live.id, jid=bare)
                if item.subscription == "remove":
                    if known is not None:
                        self._drop(tx, bare)
                else:
                    self._take(tx, item, known)
            # Without a whole roster, the version of one change is that of nothing.
            if told is not None and tx.first(_VERSION, profile_id=self._live.id) is not None:
                self._keep_version(tx, told.version)

        await self._commit(take_over)
        self._live.handled(arrival)
        reply = iq.result() if allowed else iq.refuse(StanzaError("service-unavailable"))
        try:
            await self._live.write(reply.to_element())
        except NotConnected:
            return

    async def _commit(self, change: Any) -> None:
        await self._live.core.journal.commit(change, wait=True)

    def _take(self, tx: Transaction, item: RosterItem, known: Row | None) -> None:
        # Thousands of contacts share a few of these words: each is kept once.
        contact = Contact(
            profile=self._live.name,
            jid=item.jid.userhost(),
            name=item.name,
            groups=tuple(sorted(map(sys.intern, item.groups))),
            subscription=sys.intern(item.subscription),  # type: ignore[arg-type]
            ask=item.ask,
            rev=tx.rev,
        )
        values = _values(contact)
        if known is not None and tuple(known[:5]) == tuple(values.values()):
            return
        tx.run(_SET, profile_id=self._live.id, rev=tx.rev, **values)
        tx.emit(self._live.name, RosterChanged(contact))
        if contact.subscription in _SEEING and (known is None or known[3] not in _SEEING):
            # Answered elsewhere, or allowed ahead while the request was on its way.
            self._live.questions.withdraw(tx, SUBSCRIPTION, contact.jid)

    def _drop(self, tx: Transaction, jid: str) -> None:
        tx.run(_DROP, profile_id=self._live.id, jid=jid)
        gone = Removed(profile=self._live.name, name=jid, rev=tx.rev)
        tx.emit(self._live.name, RosterRemoved(gone))

    def apply(self, event: RosterChanged | RosterRemoved) -> None:
        """Keep what is in memory in step with what is committed."""
        if isinstance(event, RosterChanged):
            self._contacts[event.data.jid] = event.data
        else:
            self._contacts.pop(event.data.name, None)

    # ---- calls

    @command("roster.list", level=Level.READ)
    async def all(self) -> list[Contact]:
        """Return all contacts, by address."""
        return [self._contacts[jid] for jid in sorted(self._contacts)]

    @command("roster.add", level=Level.SEND)
    async def add(self, jid: JID, name: str = "", groups: list[str] | None = None) -> Contact:
        """Add a contact, and ask to see its presence (RFC 6121, section 3.1).

        :param jid: whom
        :param name: what to call them
        :param groups: where to show them
        :raises offline.profile: if the profile is not online
        :raises failed.xmpp: if the server refuses
        """
        self._live.require_online()
        bare = jid.userhostJID()
        await self._request(set_item(bare, name, tuple(groups or ())))
        contact = self._contacts.get(bare.full())
        if contact is None or contact.subscription not in ("to", "both"):
            await self._live.write(Presence(type="subscribe", to=bare).to_element())
        if await self._live.presences.withdraw_question(bare):
            await self._live.write(Presence(type="subscribed", to=bare).to_element())
        return self._contacts.get(bare.full()) or Contact(
            profile=self._live.name, jid=bare.full(), name=name, groups=tuple(groups or ())
        )

    @command("roster.update", level=Level.SEND)
    async def update(
        self, jid: JID, name: str | None = None, groups: list[str] | None = None
    ) -> Contact:
        """Change a contact's name or groups; what is not given stays.

        :param jid: whom
        :param name: what to call them; empty for no name
        :param groups: where to show them, in place of those before
        :raises unknown.contact: if there is no such contact
        """
        self._live.require_online()
        contact = self._find(jid)
        await self._request(
            set_item(
                jid.userhostJID(),
                contact.name if name is None else name,
                contact.groups if groups is None else tuple(groups),
            )
        )
        return self._find(jid)

    @command("roster.remove", level=Level.SEND)
    async def remove(self, jid: JID) -> None:
        """Remove a contact; neither sees the other's presence any more (RFC 6121, section 2.5).

        :param jid: whom
        :raises unknown.contact: if there is no such contact
        """
        self._live.require_online()
        self._find(jid)
        await self._request(remove_item(jid.userhostJID()))

    def _find(self, jid: JID) -> Contact:
        contact = self._contacts.get(jid.userhost())
        if contact is None:
            raise CommandError("unknown.contact", f"{jid.userhost()} is not in the roster")
        return contact

    async def _request(self, iq: Element) -> None:
        """Send a change; the server pushes it back before it answers, so it is committed then."""
        await self._live.request_element(iq, 30.0)
        # The push came before the answer; what it queued is committed once this is.
        await self._live.core.journal.commit(lambda tx: None)


def contacts(reader: Reader, profile_id: int, profile: str) -> list[Contact]:
    """Read the contacts of a profile."""
    return [
        Contact(
            profile=profile,
            jid=jid,
            name=name,
            groups=tuple(map(sys.intern, json.loads(groups))),
            subscription=sys.intern(subscription),  # type: ignore[arg-type]
            ask=bool(ask),
            rev=rev,
        )
        for jid, name, groups, subscription, ask, rev in reader.each(_ALL, profile_id=profile_id)
    ]


def _values(contact: Contact) -> dict[str, object]:
    return {
        "jid": contact.jid,
        "name": contact.name,
        "groups": json.dumps(contact.groups, ensure_ascii=False),
        "subscription": contact.subscription,
        "ask": int(contact.ask),
    }
