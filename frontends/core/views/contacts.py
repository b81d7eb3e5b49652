"""Contacts and rooms: who is there, and where something waits to be read."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from sat.bridge.model import Presence, Show
from sat.frontends.core.clean import clean_line
from sat.frontends.core.mentions import Mentions
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes, Key, State
from sat.frontends.core.views.base import Filtered
from sat.frontends.core.views.names import bare, name_of
from sat.frontends.core.views.rows import Order

#: How much somebody wants to be talked to, from the most to the least.
_SHOWS: tuple[Show, ...] = ("chat", "available", "away", "xa", "dnd", "unavailable")


#: For so long somebody who is no contact is shown after they were talked with.
_STRANGER = timedelta(days=30)


class ContactRow(msgspec.Struct, frozen=True):
    """A contact in one of its groups, a room, or somebody else whom we have talked with.

    ``kind`` is ``room``, ``contact``, ``private`` (somebody in a room) or ``stranger``. ``show``
    and ``status`` are those of the resource that messages reach first; ``state`` is a room's,
    ``subscription`` and ``ask`` a contact's.
    """

    profile: str
    jid: str
    group: str
    name: str
    kind: str = "contact"
    show: Show = "unavailable"
    status: str = ""
    resources: int = 0
    unread: int = 0
    mentions: int = 0
    subscription: str = "none"
    ask: bool = False
    state: str = ""

    @property
    def is_room(self) -> bool:
        """Whether it is a room."""
        return self.kind == "room"

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is called among the rows."""
        return (self.profile, self.jid, self.group)


def best(resources: Iterable[Presence]) -> Presence | None:
    """Return the presence of the resource that messages reach first (RFC 6121, section 8.5.2)."""
    return max(
        resources, key=lambda one: (one.priority, -_SHOWS.index(one.show), one.jid), default=None
    )


class Contacts(Filtered[ContactRow]):
    """Rooms first, then contacts by group and name; a contact in two groups has two rows.

    Between them stand those who are no contacts, while something of them is unread and for a month
    after it was said.

    :param profile: of this one alone
    :param grouped: whether groups count; else every row's is empty
    :param online_first: whether those who are there come before those who aren't
    :param offline: whether those are shown who aren't there, and have sent nothing
    """

    def __init__(
        self,
        model: Model,
        mentions: Mentions,
        *,
        profile: str | None = None,
        grouped: bool = True,
        online_first: bool = True,
        offline: bool = True,
    ) -> None:
        super().__init__(model)
        self._mentions = mentions
        self._profile = profile
        self._grouped = grouped
        self._online_first = online_first
        self._offline = offline
        self._resources: dict[Key, set[Key]] = {}
        self._begin()

    def show(
        self,
        *,
        profile: str | None = None,
        grouped: bool = True,
        online_first: bool = True,
        offline: bool = True,
    ) -> None:
        """Choose anew what is shown, and in which order."""
        self._profile = profile
        self._grouped = grouped
        self._online_first = online_first
        self._offline = offline
        self._refresh()

    def resources(self, profile: str, jid: str) -> list[Presence]:
        """Return what the resources of a contact show, the best first."""
        known = self.model.state.presence
        found = [known[key] for key in self._resources.get((profile, jid), ())]
        return sorted(found, key=lambda one: (-one.priority, _SHOWS.index(one.show), one.jid))

    def renew(self, keys: Iterable[Key]) -> None:
        """Make the rows of some conversations anew: something else of them is known now."""
        self._touch({*keys})

    def _begin(self) -> None:
        self._resources = {}
        for key in self.model.state.presence:
            self._resources.setdefault((key[0], bare(key[1])), set()).add(key)
        self._refresh()

    def _told(self, changes: Changes) -> None:
        if changes.anew:
            self._begin()
            return
        touched: set[Hashable] = set()
        present = self.model.state.presence
        for key in changes.presence:
            subject = (key[0], bare(key[1]))
            if key in present:
                self._resources.setdefault(subject, set()).add(key)
            elif subject in self._resources:
                self._resources[subject].discard(key)
                if not self._resources[subject]:
                    del self._resources[subject]
            touched.add(subject)
        if changes.occupants:
            talked = {(one[0], f"{one[1]}/{one[2]}") for one in changes.occupants}
            touched |= talked & self.model.state.conversations.keys()
        if changes.rooms:
            # What its people are called has its name in it.
            touched |= {
                key
                for key in self._keys
                if (key[0], bare(key[1])) in changes.rooms  # type: ignore
            }
        touched |= changes.roster | changes.rooms | changes.conversations | self._mentions.touched
        self._touch(touched)

    def _subjects(self) -> Iterable[Hashable]:
        state = self.model.state
        return {**state.roster, **state.rooms, **state.conversations}

    def _make(self, subject: Key) -> Iterator[tuple[Hashable, Order, ContactRow]]:
        state = self.model.state
        if self._profile is not None and subject[0] != self._profile:
            return
        if subject in state.rooms:
            row = self._room(state, subject)
            if self._fits(row.name, row.jid):
                yield row.key, (0, "", "", False, row.name.casefold(), subject), row
            return
        contact = state.roster.get(subject)
        if contact is None:
            other = self._other(state, subject)
            if other is not None and self._fits(other.name, other.jid):
                yield other.key, (1, "", "", False, other.name.casefold(), subject), other
            return
        known = state.presence
        there = [known[key] for key in self._resources.get(subject, ())]
        shown = best(there)
        conversation = state.conversations.get(subject)
        unread = conversation.unread if conversation is not None else 0
        if shown is None and not unread and not self._offline and not self._words:
            return
        groups = [clean_line(one) for one in contact.groups] if self._grouped else []
        name = name_of(state, *subject)
        if not self._fits(name, contact.jid, *groups):
            return
        for group in dict.fromkeys(groups or [""]):
            row = ContactRow(
                profile=contact.profile,
                jid=contact.jid,
                group=group,
                name=name,
                show="unavailable" if shown is None else shown.show,
                status="" if shown is None else clean_line(shown.status),
                resources=len(there),
                unread=unread,
                mentions=self._mentions[subject],
                subscription=contact.subscription,
                ask=contact.ask,
            )
            away = self._online_first and shown is None
            place = 2 if group else 3
            yield row.key, (place, group.casefold(), group, away, name.casefold(), subject), row

    def _other(self, state: State, subject: Key) -> ContactRow | None:
        """Return the row of somebody who is no contact, if there is something of them."""
        conversation = state.conversations.get(subject)
        if conversation is None or conversation.last is None:
            return None
        if not conversation.unread and datetime.now(UTC) - conversation.last.ts > _STRANGER:
            return None
        profile, peer = subject
        kind = "private" if (profile, bare(peer)) in state.rooms else "stranger"
        there = state.occupants.get((profile, bare(peer)), {}).get(peer.partition("/")[2])
        return ContactRow(
            profile=profile,
            jid=peer,
            group="",
            name=name_of(state, profile, peer),
            kind=kind,
            show=there.show if there is not None else "unavailable",
            unread=conversation.unread,
            mentions=self._mentions[subject],
        )

    def _room(self, state: State, subject: Key) -> ContactRow:
        room = state.rooms[subject]
        conversation = state.conversations.get(subject)
        return ContactRow(
            profile=room.profile,
            jid=room.jid,
            group="",
            name=name_of(state, *subject),
            kind="room",
            show="available" if room.state == "joined" else "unavailable",
            status=clean_line(room.subject),
            unread=conversation.unread if conversation is not None else 0,
            mentions=self._mentions[subject],
            state=room.state,
        )
