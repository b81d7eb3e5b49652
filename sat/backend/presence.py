"""Presence (RFC 6121, sections 3 and 4): who is there, and who may see us; calls ``presence.*``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from sat.backend.arrival import Arrival
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.backend.visibility import Visibility
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import PresenceChanged
from sat.bridge.model import Field, Form, Level, Presence, Show
from sat.xmpp.disco import DiscoInfo
from sat.xmpp.namespaces import NS_PRE_APPROVAL
from sat.xmpp.stanza import JID, Element, NotConnected, clean
from sat.xmpp.stanza import Presence as PresenceStanza

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_log = Logger("sat.presence")
SUBSCRIPTION = "subscription"
#: Presences kept for each contact: more resources than a person has clients.
_MAX_RESOURCES = 64
#: Entities of which presence is kept, besides those whose presence we asked to see.
_MAX_ENTITIES = 5000
_MAX_WORDS = 256


class Presences:
    """The presence of one profile, and what it knows of others'."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._present: dict[str, tuple[Presence, ...]] = {}
        self._words: dict[str, str] = {}
        self.visibility = Visibility(live)
        self._advertised: DiscoInfo | None = None
        live.questions.handle(SUBSCRIPTION, self._answered)

    # ---- ours

    def announce(self) -> None:
        """Broadcast what the profile shows of itself, if it is online."""
        if self._live.online:
            self._advertised = self._live.disco.own_info()
            stanza = self.own()
            if stanza.type == "unavailable":
                self._end_directed()
            self._write(stanza)
            self._live.rooms.announce(stanza)

    def advertise(self) -> None:
        """Broadcast again if what we can do is not what we said last."""
        if self._live.disco.own_info() != self._advertised:
            self.announce()

    def own(self) -> PresenceStanza:
        """Return the presence that shows the profile as it wants to be shown."""
        profile = self._live.profile
        if profile.show == "unavailable":
            return PresenceStanza(type="unavailable", status=profile.status)
        return self._available(profile.show, profile.status, profile.priority)

    def _available(self, show: Show, status: str, priority: int = 0) -> PresenceStanza:
        stanza = PresenceStanza(
            show="" if show == "available" else show, status=status, priority=priority
        )
        self._live.plugins.outgoing_presence(stanza)
        return stanza

    def say_goodbye(self) -> None:
        """Tell contacts that we go, if the server can still be told."""
        if self._live.online:
            self._end_directed()
            self._write(PresenceStanza(type="unavailable"))

    def _end_directed(self) -> None:
        """Tell those to whom we showed ourselves one by one: a server may forget them."""
        for jid in self.visibility.directed:
            self._write(PresenceStanza(type="unavailable", to=JID(jid)))
        self.visibility.nobody()

    @command("presence.set", level=Level.SEND)
    async def set(self, show: Show, status: str = "", priority: int | None = None) -> None:
        """Change what the profile shows of itself; it stays so until it is changed again.

        :param show: available, away, chat, dnd (do not disturb), xa (away for long) or unavailable
        :param status: a text for people
        :param priority: which of the person's programs the server prefers, from -128 to 127; to a
            negative one it gives no message that is for all of them. Without it, that of before
        :raises usage.priority: if it is not in that range
        """
        _check_status(status)
        if priority is None:
            priority = self._live.profile.priority
        if not -128 <= priority <= 127:
            raise CommandError(
                "usage.priority", f"the priority is from -128 to 127, not {priority}"
            )
        await self._live.change(wait=False, show=show, status=status, priority=priority)
        self.announce()

    @command("presence.direct", level=Level.SEND)
    async def direct(self, jid: JID, show: Show = "available", status: str = "") -> None:
        """Show the profile to somebody who does not see it otherwise (RFC 6121, section 4.6).

        It lasts until the end of the session, or until the profile shows itself as unavailable.

        :param jid: to whom: a contact, a stranger, one of their programs
        :param show: as of ``presence.set``; unavailable ends it
        :param status: a text for people
        :raises offline.profile: if the profile is not online
        :raises denied.blocked: if they are blocked
        :raises usage.jid: if it is a room
        :raises failed.limit: if it is shown to too many already
        """
        _check_status(status)
        self._live.require_online()
        if self.visibility.blocks(jid):
            raise CommandError(
                "denied.blocked", f"{jid.full()} is blocked: unblock it to be seen there"
            )
        if self._live.rooms.find(jid) is not None:
            raise CommandError("usage.jid", f"{jid.full()} is a room: join or leave it instead")
        if show == "unavailable":
            if self.visibility.direct(jid, shown=False):
                gone = PresenceStanza(type="unavailable", status=status, to=jid)
                await self._live.write(gone.to_element())
            return
        if not self.visibility.direct(jid, shown=True):
            raise CommandError(
                "failed.limit", "the profile is shown to too many one by one: end it for some"
            )
        stanza = self._available(show, status)
        stanza.to = jid
        await self._live.write(stanza.to_element())

    @command("presence.directed", level=Level.READ)
    async def directed(self) -> list[str]:
        """Return to whom the profile is shown one by one."""
        return self.visibility.directed

    @command("presence.allow", level=Level.SEND)
    async def allow(self, jid: JID) -> None:
        """Let somebody see when the profile is online, also before they ask.

        Ahead of a request the server has to remember it (RFC 6121, section 3.4).

        :param jid: whom
        :raises offline.profile: if the profile is not online
        :raises failed.unsupported: if they have not asked, and the server can't remember it
        """
        self._live.require_online()
        bare = jid.userhostJID()
        if self._live.roster.sees_us(bare):
            return
        asked = await self.withdraw_question(bare)
        if not asked and not self._live.plugins.offers(NS_PRE_APPROVAL):
            raise CommandError(
                "failed.unsupported",
                f"{bare.full()} has not asked to see you yet, and the server can't allow it ahead: "
                "answer the question when it comes",
            )
        await self._live.write(PresenceStanza(type="subscribed", to=bare).to_element())

    @command("presence.deny", level=Level.SEND)
    async def deny(self, jid: JID) -> None:
        """Let somebody not see any more when the profile is online (RFC 6121, section 3.2).

        What was allowed ahead is taken back, and a request of theirs refused.

        :param jid: whom
        :raises offline.profile: if the profile is not online
        """
        self._live.require_online()
        bare = jid.userhostJID()
        await self.withdraw_question(bare)
        await self._live.write(PresenceStanza(type="unsubscribed", to=bare).to_element())

    @command("presence.unsubscribe", level=Level.SEND)
    async def unsubscribe(self, jid: JID) -> None:
        """See no more whether somebody is online (RFC 6121, section 3.3); they stay a contact.

        :param jid: whom
        :raises offline.profile: if the profile is not online
        """
        self._live.require_online()
        stanza = PresenceStanza(type="unsubscribe", to=jid.userhostJID())
        await self._live.write(stanza.to_element())

    @command("presence.get", level=Level.READ)
    async def get(self, jid: JID) -> list[Presence]:
        """Return what the resources of a contact show; nothing if it is not there.

        :param jid: whose
        """
        return sorted(self._present.get(jid.userhost(), ()), key=lambda one: one.jid)

    # ---- others'

    def shows(self, jid: JID) -> bool:
        """Tell whether a full JID is known to be present."""
        full = jid.full()
        return any(one.jid == full for one in self._present.get(jid.userhost(), ()))

    def received(self, element: Element, arrival: Arrival) -> None:
        """Take a presence stanza.

        :raises ValueError: if it has an address that isn't one, or an unknown type
        """
        stanza = PresenceStanza.from_element(element)
        sender = stanza.from_ or self._live.jid
        if self.visibility.blocks(sender) and stanza.type != "unavailable":
            self._live.handled(arrival)
            return
        if stanza.type == "subscribe":
            spawn(self._asked(sender, stanza.status, arrival), "noting a subscription request")
            return
        self._live.handled(arrival)
        if stanza.type in ("available", "unavailable"):
            self._note(stanza, sender)
        self._live.plugins.presence(stanza)

    def block(self, jids: Iterable[JID]) -> None:
        """Have nothing to do with these addresses, in place of those before."""
        self.visibility.block(jids)
        for resources in list(self._present.values()):
            for presence in resources:
                jid = JID(presence.jid)
                if self.visibility.blocks(jid):
                    self._note(PresenceStanza(type="unavailable"), jid)

    def stream_ended(self) -> None:
        """Forget who is there: nobody tells us any more."""
        self.visibility.nobody()
        for resources in list(self._present.values()):
            for presence in resources:
                self._tell(presence, "unavailable")
        self._present.clear()
        self._words.clear()

    def _note(self, stanza: PresenceStanza, sender: JID) -> None:
        bare, full = sender.userhost(), sender.full()
        full_up = len(self._present) >= _MAX_ENTITIES and bare not in self._present
        if full_up and not self._live.roster.we_asked(sender):
            return
        # A tuple, since nearly everybody has one resource: a dictionary for each would cost more
        # than all else that is known of them.
        known = self._present.get(bare, ())
        if stanza.type == "unavailable":
            gone = [one for one in known if not sender.resource or one.jid == full]
            for one in gone:
                self._live.capabilities.gone(one.jid)
                self._tell(one, "unavailable", stanza.status)
            left = tuple(one for one in known if one not in gone)
            if left:
                self._present[bare] = left
            else:
                self._present.pop(bare, None)
            return
        others = tuple(one for one in known if one.jid != full)
        if len(others) >= _MAX_RESOURCES:
            return
        show: Show = self._word(stanza.show or "available")  # type: ignore[assignment]
        presence = Presence(
            profile=self._live.name,
            jid=full,
            show=show,
            status=self._word(stanza.status),
            priority=stanza.priority,
        )
        self._present[self._live.roster.spelling(bare)] = (*others, presence)
        self._live.capabilities.shown(full, stanza.extensions)
        self._live.core.hub.tell(self._live.name, PresenceChanged(presence))

    def _word(self, text: str) -> str:
        """Return the same text, kept once: thousands of contacts share a few."""
        if len(self._words) >= _MAX_WORDS:
            self._words.clear()
        return self._words.setdefault(text, text)

    def _tell(self, known: Presence, show: Show, status: str = "") -> None:
        changed = Presence(profile=known.profile, jid=known.jid, show=show, status=status)
        self._live.core.hub.tell(self._live.name, PresenceChanged(changed), keep=False)

    # ---- subscriptions (RFC 6121, section 3.1.3)

    async def _asked(self, sender: JID, status: str, arrival: Arrival) -> None:
        bare = sender.userhostJID()
        form = Form(
            title="Subscription",
            instructions=status,
            fields=(
                Field(
                    name="allow",
                    kind="list-single",
                    label=f"Let {bare.full()} see when you are online?",
                    options=("yes", "no"),
                    required=True,
                ),
            ),
        )

        we_asked = self._live.roster.we_asked(bare)

        def ask(tx: Transaction) -> None:
            self._live.note_handled(tx, arrival)
            if not we_asked and not self._live.roster.may_see(tx, bare):
                sentence = f"{bare.full()} asks to see when {self._live.name} is online"
                self._live.questions.ask(tx, SUBSCRIPTION, bare.full(), sentence, form)

        await self._live.core.journal.commit(ask, wait=True)
        self._live.handled(arrival)
        if we_asked:
            self._write(PresenceStanza(type="subscribed", to=bare))

    async def withdraw_question(self, peer: JID) -> bool:
        """Take back the question whether a peer may see us; tell whether it was asked."""
        return await self._live.core.journal.commit(
            lambda tx: self._live.questions.withdraw(tx, SUBSCRIPTION, peer.full()), wait=True
        )

    async def _answered(self, peer: str | None, values: dict[str, list[str]]) -> None:
        granted = values.get("allow") == ["yes"]
        kind = "subscribed" if granted else "unsubscribed"
        await self._live.write(PresenceStanza(type=kind, to=JID(peer)).to_element())

    def _write(self, stanza: PresenceStanza) -> None:
        def failed(failure: object) -> None:
            _log.debug("presence not written: {failure}", failure=failure)

        try:
            self._live.write(stanza.to_element()).addErrback(failed)
        except NotConnected:
            return


def _check_status(status: str) -> None:
    if clean(status) != status:
        raise CommandError("usage.text", "the status holds control characters: take them out")
