"""Who may learn that the profile is there: the one place that all answers and notices ask.

A receipt, a marker, an answer to a request or a description of what we can do tells its receiver
that somebody is online. Only who may see our presence learns that much (RFC 6121, section 13).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sat.xmpp.stanza import JID

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: Entities that can be shown our presence one by one.
_MAX_DIRECTED = 1000


class Visibility:
    """From whom one profile hides, and to whom it shows itself."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._blocked: frozenset[str] = frozenset()
        self._directed: set[str] = set()

    @property
    def invisible(self) -> bool:
        """Whether the person wants to be seen by nobody."""
        return self._live.profile.show == "unavailable"

    def block(self, jids: Iterable[JID]) -> None:
        """Have nothing to do with these addresses, in place of those before."""
        self._blocked = frozenset(jid.full() for jid in jids)

    def blocks(self, jid: JID) -> bool:
        """Tell whether an address is blocked (XEP-0191, section 3.1): it, or what it is part of."""
        blocked = self._blocked
        if not blocked:
            return False
        host, resource = jid.host, jid.resource
        return (
            jid.full() in blocked
            or jid.userhost() in blocked
            or host in blocked
            or (resource is not None and f"{host}/{resource}" in blocked)
        )

    def may_see(self, jid: JID) -> bool:
        """Tell whether somebody may learn that we are there: who sees our presence now."""
        if self._is_own(jid):
            return True
        if self.blocks(jid):
            return False
        if self._is_directed(jid):
            return True
        return not self.invisible and self._live.roster.sees_us(jid)

    def may_ask(self, jid: JID | None) -> bool:
        """Tell whether a request may be answered other than as for somebody who isn't there."""
        if jid is None or self._is_own(jid) or jid.full() == self._live.jid.host:
            return True
        return not self.blocks(jid) and (not self.invisible or self._is_directed(jid))

    def direct(self, to: JID, *, shown: bool) -> bool:
        """Note that one address is shown our presence, or no more (RFC 6121, section 4.6).

        :return: False if there are too many already, or it was not shown
        """
        if not shown:
            known = to.full() in self._directed
            self._directed.discard(to.full())
            return known
        if to.full() not in self._directed and len(self._directed) >= _MAX_DIRECTED:
            return False
        self._directed.add(to.full())
        return True

    @property
    def directed(self) -> list[str]:
        """To whom our presence is shown one by one, as they are addressed."""
        return sorted(self._directed)

    def nobody(self) -> None:
        """Forget to whom we have shown ourselves: they were told that we went."""
        self._directed.clear()

    def _is_own(self, jid: JID) -> bool:
        return jid.userhost() == self._live.jid.userhost()

    def _is_directed(self, jid: JID) -> bool:
        return jid.full() in self._directed or jid.userhost() in self._directed
