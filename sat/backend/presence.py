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
        live.questions.handle(SUBSCRIPTION, self._answered)

    # ---- ours

    def announce(self) -> None:
        """Broadcast what the profile shows of itself, if it is online."""
        if self._live.online:
            stanza = self.own()
            self._write(stanza)
            self._live.rooms.announce(stanza)

    def own(self) -> PresenceStanza:
        """Return the presence that shows the profile as it wants to be shown."""
        profile = self._live.profile
        if profile.show == "unavailable":
            return PresenceStanza(type="unavailable", status=profile.status)
        show = "" if profile.show == "available" else profile.show
        stanza = PresenceStanza(show=show, status=profile.status)
        self._live.plugins.outgoing_presence(stanza)
        return stanza

    def say_goodbye(self) -> None:
        """Tell contacts that we go, if the server can still be told."""
        if self._live.online:
            self._write(PresenceStanza(type="unavailable"))

    @command("presence.set", level=Level.SEND)
    async def set(self, show: Show, status: str = "") -> None:
        """Change what the profile shows of itself; it stays so until it is changed again.

        :param show: available, away, chat, dnd (do not disturb), xa (away for long) or unavailable
        :param status: a text for people
        """
        if clean(status) != status:
            raise CommandError("usage.text", "the status holds control characters: take them out")
        await self._live.change(wait=False, show=show, status=status)
        self.announce()

    @command("presence.get", level=Level.READ)
    async def get(self, jid: JID) -> list[Presence]:
        """Return what the resources of a contact show; nothing if it is not there.

        :param jid: whose
        """
        return sorted(self._present.get(jid.userhost(), ()), key=lambda one: one.jid)

    # ---- others'

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
        self.visibility.stream_ended()
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
            if not we_asked and not self._live.roster.sees_us(bare):
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
